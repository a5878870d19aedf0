# %% [markdown]
# # Lab: train the letters network and look inside
#
# Train a network that reads letters, in seconds and in NumPy. Then look at its kernels, at what it confuses, and at what a
# unit likes best. At the end it can be trained on your own files. You need the package and matplotlib:
# `pip install "cnnguide[figures]"`.

# %%
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from cnnguide import (
    ALPHABET,
    HELD_OUT_FONTS,
    TRAINING_FONTS,
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
data = draw_letters(100, rng, fonts=TRAINING_FONTS)
unseen = draw_letters(20, rng, fonts=HELD_OUT_FONTS)
model = letters_network(rng)
before = accuracy(model, unseen)
adam = Adam(lr=0.005)
history = fit(
    model, data, adam, epochs=4, batch_size=32, rng=rng, progress=False
)
after = accuracy(model, unseen)
print(f"read right, in families never seen: {before:.0%}, then {after:.0%}")

# %% alt="A falling, noisy line: the loss of every mini-batch."
plt.figure(figsize=(5, 2.6), layout="constrained")
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
scores = [ALPHABET.index(letter) for letter in letters]
likes = maximize_activation(trained, scores, (1, 20, 20), rng, steps=300)
figure, axes = plt.subplots(2, 8, figsize=(6, 1.9), layout="constrained")
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
wrong = Counter(
    f"{ALPHABET[t]} read as {ALPHABET[r]}"
    for t, r in zip(target, read, strict=True)
    if t != r
)
print(f"{wrong.total()} of {len(x)} are misread, most often:")
for mistake, times in wrong.most_common(5):
    print(f"{times} times {mistake}")

# %% [markdown]
# ## Your own files
#
# MNIST and EMNIST come as IDX files. Put the paths of your files here; with `None` this cell writes a pair of small files
# first, to show that reading them works.

# %%
# For example "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
my_images, my_labels = None, None

if my_images is None:
    import struct
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp())
    my_images, my_labels = folder / "images", folder / "labels"
    pixels = np.round(255 * data[0][:, 0]).astype(np.uint8)
    labels = data[1].astype(np.uint8)
    # Two zeros, eight for bytes, the number of axes, and their lengths.
    head = bytes([0, 0, 8, 3]) + struct.pack(">3I", *pixels.shape)
    my_images.write_bytes(head + pixels.tobytes())
    head = bytes([0, 0, 8, 1]) + struct.pack(">I", len(labels))
    my_labels.write_bytes(head + labels.tobytes())

images, labels = load_idx(my_images), load_idx(my_labels)
print(images.shape, images.dtype, labels.shape)

# %% [markdown]
# The letters network takes images of twenty by twenty and knows 26 classes. Cut the border of larger ones (MNIST has 28),
# and count classes from zero (EMNIST letters begin at one).

# %%
border = (images.shape[1] - 20) // 2
inner = slice(border, border + 20)
small = images[:2000, None, inner, inner].astype(np.float32) / 255
classes = labels[:2000].astype(int) - labels.min()
mine = letters_network(rng)
own, adam = (small, classes), Adam(lr=0.005)
fit(mine, own, adam, epochs=2, batch_size=32, rng=rng, progress=False)
right = accuracy(mine, own)
print(f"read right, of the files it was trained on: {right:.0%}")

# %% [markdown]
# ## Your turn: count the steps
#
# The first training above used 26 times 100 images in batches of 32. How many steps are one epoch? The answer in the cell is a
# wrong one; run it, read what it says, and put a better one there.


# %%
def check(answer: int, images: int = 2600, batch: int = 32) -> str:
    right = -(-images // batch)
    if answer == right:
        return "Right: the last, smaller batch counts as well."
    if answer == images // batch:
        return "Almost: the images that are left over make one more batch."
    if answer == images:
        return "That is one step per image. Weights change once per batch."
    if answer == 1:
        return "That is one step per epoch. Weights change once per batch."
    if answer == 4 * right:
        return "That is all four epochs."
    return "No. How many batches does it take to see every image once?"


answer = 2600  # put yours here

print(check(answer))
