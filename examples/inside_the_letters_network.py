# %% [markdown]
# # Lab: train the letters network and look inside
#
# Train a network that reads letters, in seconds and in NumPy. Then look at its kernels, at what it confuses, and at what a
# unit likes best. At the end it can be trained on your own files. You need the package and matplotlib:
# `pip install "cnnguide[figures]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np

from cnnguide import (
    ALPHABET,
    HELD_OUT_FONTS,
    Adam,
    accuracy,
    draw_letters,
    fit,
    letters_network,
    load_idx,
    maximize_activation,
    trained_letters_network,
)

# %% [markdown]
# ## Train
#
# A hundred images of each letter, a few epochs. Change the learning rate, and see what happens.

# %%
rng = np.random.default_rng(0)
data = draw_letters(100, rng)
unseen = draw_letters(20, rng, fonts=HELD_OUT_FONTS)
model = letters_network(rng)
untrained = accuracy(model, unseen)
history = fit(model, data, Adam(lr=0.005), epochs=4, batch_size=32, rng=rng, progress=False)
print(f"steps: {len(history.losses)}")
print("reads better than before:", accuracy(model, unseen) > 5 * untrained)

# %% alt="A falling, noisy line: the loss of every mini-batch."
plt.figure(figsize=(5, 2.6), dpi=60, layout="constrained")
plt.plot(history.losses, linewidth=0.8)
plt.xlabel("step")
plt.ylabel("loss")
plt.show()

# %% [markdown]
# ## Look inside
#
# The package comes with a network that was trained longer. Here are its first kernels, and what four of its scores like
# best: the images on which it would say a, e, k and x most loudly.

# %% alt="Top: eight patches of three by three grey squares, the first kernels. Bottom: four images in which a, e, k and x can be guessed, drawn by the network."
trained = trained_letters_network()
letters = "aekx"
likes = maximize_activation(trained, [ALPHABET.index(letter) for letter in letters], (1, 20, 20), rng, steps=300)
figure, axes = plt.subplots(2, 8, figsize=(6, 1.9), dpi=60, layout="constrained")
for ax in axes.flat:
    ax.axis("off")
for ax, kernel in zip(axes[0], trained.parameters()[0][:, 0], strict=True):
    ax.imshow(kernel, cmap="gray", vmin=-1, vmax=1)
for ax, image, letter in zip(axes[1], likes[:, 0], letters, strict=False):
    ax.imshow(image, cmap="gray_r")
    ax.set_title(letter)
plt.show()

# %% [markdown]
# ## What it confuses

# %%
x, target = unseen
read = trained.forward(x).argmax(axis=1)
wrong = [(ALPHABET[t], ALPHABET[r]) for t, r in zip(target, read, strict=True) if t != r]
print("fewer than one in ten is misread:", len(wrong) < len(x) / 10)
print("one of the mistakes, what it is and what was read:", len(wrong[0]) == 2)

# %% [markdown]
# ## Your turn: count the steps
#
# The training above used 26 times 100 images in batches of 32. How many steps are one epoch?

# %%
answer = 82


def check(answer: int, images: int = 2600, batch: int = 32) -> str:
    right = -(-images // batch)
    if answer == right:
        return "Right: the last, smaller batch counts as well."
    if answer == images // batch:
        return "Almost: the images that are left over make one more batch."
    if answer == images:
        return "That would be one step per image. Weights change once per batch."
    if answer == 1:
        return "That would be one step per epoch. Weights change once per batch."
    if answer == 4 * right:
        return "That is all four epochs."
    return "No. How many batches does it take to see every image once?"


for one in (answer, 81, 2600, 1, 328):
    print(f"{one:4}: {check(one)}")

# %% [markdown]
# ## Your own files
#
# MNIST and EMNIST come as IDX files. Put the paths of your files here; with `None` this cell writes a pair of small files
# first, to show that reading them works.

# %%
my_images, my_labels = None, None  # for example "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"

if my_images is None:
    import struct
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp())
    my_images, my_labels = folder / "images", folder / "labels"
    pixels, labels = np.round(255 * data[0][:, 0]).astype(np.uint8), data[1].astype(np.uint8)
    my_images.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">3I", *pixels.shape) + pixels.tobytes())
    my_labels.write_bytes(bytes([0, 0, 8, 1]) + struct.pack(">I", len(labels)) + labels.tobytes())

images, labels = load_idx(my_images), load_idx(my_labels)
print(images.shape, images.dtype, labels.shape)

# %% [markdown]
# The letters network takes images of twenty by twenty and knows 26 classes. Cut the border of larger ones (MNIST has 28),
# and count classes from zero (EMNIST letters begin at one).

# %%
border = (images.shape[1] - 20) // 2
small = images[:2000, border : border + 20, border : border + 20, None].transpose(0, 3, 1, 2).astype(np.float32) / 255
classes = labels[:2000].astype(int) - labels.min()
mine = letters_network(rng)
own = fit(mine, (small, classes), Adam(lr=0.005), epochs=2, batch_size=32, rng=rng, progress=False)
print("learns:", np.mean(own.losses[-10:]) < np.mean(own.losses[:10]))
