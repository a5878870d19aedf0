# %% [markdown]
# # Python101: five questions, one notebook
#
# The five questions of this guide, from top to bottom, with short answers that run. Each chapter says more.

# %%
import importlib.util
import subprocess
import sys

wanted = "cnnguide[figures,photos]"
needed = ("cnnguide", "matplotlib", "PIL")
# Where all are there, this cell does nothing.
if not all(map(importlib.util.find_spec, needed)):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", wanted]
    subprocess.run(pip, check=True)
    importlib.invalidate_caches()

# %%
import matplotlib.pyplot as plt
import numpy as np

from cnnguide import (
    ALPHABET,
    LAPLACIAN,
    SOBEL_X,
    SOBEL_Y,
    Adam,
    Conv2d,
    Window,
    accuracy,
    apply_filter,
    coffee,
    color_grid,
    conv_chain,
    conv_macs,
    conv_parameters,
    draw_letters,
    fans,
    fit,
    format_chain,
    he_normal,
    letters_network,
    luma,
    maximize_activation,
    receptive_field,
    relu,
    trained_letters_network,
)

# %% [markdown]
# ## What are channels and kernels?
#
# A kernel is a small grid of weights. It slides over the image; at each place, weights and pixels are multiplied and summed
# up. The map of these sums is a channel. Sobel-X answers to vertical edges, Sobel-Y to horizontal ones, the Laplacian to
# every change of slope. Mid-grey is zero.

# %% alt="A cup of coffee in grey, and the answers of three kernels: vertical edges, horizontal edges, and thin outlines, on mid-grey."
gray = luma(coffee())
kernels = {"Sobel-X": SOBEL_X, "Sobel-Y": SOBEL_Y, "Laplacian": LAPLACIAN}
figure, axes = plt.subplots(2, 2, figsize=(5.5, 4), layout="constrained")
axes[0, 0].imshow(gray, cmap="gray")
axes[0, 0].set_title("the photo")
for ax, (name, kernel) in zip(axes.flat[1:], kernels.items(), strict=True):
    answers = apply_filter(gray, kernel)
    limit = np.quantile(abs(answers), 0.995)
    ax.imshow(answers, cmap="gray", vmin=-limit, vmax=limit)
    ax.set_title(name)
for ax in axes.flat:
    ax.axis("off")
plt.show()

# %% [markdown]
# A colour photo comes with three channels: the amounts of red, green and blue. They resemble each other, and we need colour
# only coarsely: here is a grey photo under a grid of coloured lines. Step back, and it is in colour.

# %% alt="The cup of coffee in grey, under a grid of strongly coloured lines; from afar it looks like a colour photo."
grid = color_grid(coffee())
plt.figure(figsize=(5.5, 3.6), layout="constrained")
plt.imshow(np.moveaxis(grid, 0, -1))  # matplotlib wants channels last
plt.axis("off")
plt.show()
gray_pixels = np.ptp(grid, axis=0) < 1e-6
print(f"exactly grey: {gray_pixels.mean():.0%} of the pixels")

# %% [markdown]
# Inside a network a kernel is as deep as its input, and a layer makes as many channels as it has kernels:

# %%
layer = Conv2d(3, 64, 7, np.random.default_rng(0), stride=2, padding=3)
print("weights:", layer.weight.shape)
print("output: ", layer.forward(np.zeros((1, 3, 199, 199), np.float32)).shape)

# %% [markdown]
# ## Why do we nearly always use 3×3 kernels?
#
# It is the smallest kernel with a centre and a neighbour on every side. Two of them see as far as one 5×5:

# %% alt="Three grids of five by five, three by three and one by one cells. The cells that one value of the next grid reads are darker: nine in the first, nine in the second."
figure, axes = plt.subplots(1, 3, figsize=(6, 2.2), layout="constrained")
for ax, side in zip(axes, conv_chain(5, kernel=3), strict=True):
    cells = np.zeros((side, side))
    cells[:3, :3] = 1  # what one value of the next grid reads
    ax.pcolormesh(cells, cmap="Blues", vmin=0, vmax=2, edgecolors="gray")
    middle, half = side / 2, 2.6
    ax.set(xlim=(middle - half, middle + half), aspect="equal")
    ax.set(ylim=(middle + half, middle - half))
    ax.set_title(f"{side}×{side}")
    ax.axis("off")
plt.show()
pair = [Window(3), Window(3)]
print("two 3x3 see", receptive_field(pair).size, "pixels along each axis")

# %% [markdown]
# They have fewer weights where all layers have the same number of channels. For a single output, as in this picture, they multiply
# more: the saving is real where outputs share what lies between.

# %%
small = 2 * conv_parameters(64, 64, 3, bias=False)
large = conv_parameters(64, 64, 5, bias=False)
print("weights, 64 channels:", small, "against", large)
small = conv_macs(5, 1, 1, kernel=3) + conv_macs(3, 1, 1, kernel=3)
large = conv_macs(5, 1, 1, kernel=5)
print("products for one output:", small, "against", large)

# %% [markdown]
# ## How many 3×3 convolutions take 199×199 to 1×1?
#
# Each takes one pixel from every side. The convolutions are the steps between the sizes, so they are one fewer.

# %%
sizes = conv_chain(199)
print(format_chain(sizes))
print("Number of 3x3 convolutions =", len(sizes) - 1)

# %% [markdown]
# ## How are kernels initialised?
#
# At random: if all weights start equal, the kernels of a layer get equal gradients and stay copies of each other. Around zero, and with a variance that fits the number of
# inputs of a unit, the fan-in: one over fan-in for tanh (Xavier, where as many come out as go in), two over fan-in for ReLU
# (He). Half of He's scale, and the signal is gone after thirty layers; twice, and it explodes.

# %%
print("fan-in of 3x3 over 64 channels:", fans((128, 64, 3, 3))[0])
for factor in (0.5, 1, 2):
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(256)
    for _ in range(30):
        signal = relu(factor * he_normal((256, 256), rng) @ signal)
    power = np.log10((signal**2).mean())
    print(f"{factor} times He: mean square about 1e{power:+.0f}")

# %% [markdown]
# ## What happens while a deep network trains?
#
# For each batch of images: forward, loss, backward, step. Backward finds the gradient, the optimiser takes the step against
# it. The loss falls on average, and the network learns to read.

# %% alt="The loss of every mini-batch: a noisy line that falls quickly at first and slowly later."
rng = np.random.default_rng(0)
letters, others = draw_letters(100, rng), draw_letters(20, rng)
model = letters_network(rng)
adam = Adam(lr=0.005)
history = fit(
    model, letters, adam, epochs=4, batch_size=32, rng=rng, progress=False
)
plt.figure(figsize=(5.5, 2.6), layout="constrained")
plt.plot(history.losses, linewidth=0.8)
plt.xlabel("step")
plt.ylabel("loss")
plt.show()
score = accuracy(model, others)
print(f"read right, of letters it has not seen: {score:.0%}")

# %% [markdown]
# What has it learned? Simple things first, then things made of them. Here are the first kernels of a network that was
# trained longer, and then images that excite units most: of the second layer, and of the scores for a, b, e, g, k, o, s and x.

# %% alt="Three rows of eight small pictures. First kernels: bright and dark patches of three by three. Second layer: strokes and corners. Scores: shapes in which letters can be guessed."
trained = trained_letters_network()


def liked(units, layer=None):
    """The images, twenty by twenty, that excite units of a layer most."""
    found = maximize_activation(trained, units, (1, 20, 20), rng, layer, 200)
    return found[:, 0]


middles = [(channel, 5, 5) for channel in range(8)]
letters = [ALPHABET.index(letter) for letter in "abegkosx"]
rows = {  # with ink dark
    "first kernels": -trained.layers[0].weight[:, 0],
    "second layer": -liked(middles, layer=3)[:, 7:15, 7:15],
    "scores": -liked(letters),
}
figure, axes = plt.subplots(3, 8, figsize=(7, 2.9), layout="constrained")
for row, (name, images) in zip(axes, rows.items(), strict=True):
    for ax, image in zip(row, images, strict=True):
        ax.imshow(image, cmap="gray")
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
