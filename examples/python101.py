# %% [markdown]
# # Python101: five questions, one notebook
#
# The five questions of this guide, from top to bottom, with short answers that run. Each chapter says more.

# %%
import importlib.util
import subprocess
import sys

for name, wanted in {"cnnguide": "cnnguide", "matplotlib": "matplotlib"}.items():
    if importlib.util.find_spec(name) is None:  # where it is there, this cell does nothing
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", wanted], check=True)

# %%
import matplotlib.pyplot as plt
import numpy as np

from cnnguide import (
    LAPLACIAN,
    SOBEL_X,
    SOBEL_Y,
    Adam,
    Conv2d,
    Window,
    accuracy,
    apply_filter,
    coffee,
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
    receptive_field,
    relu,
)

# %% [markdown]
# ## What are channels and kernels?
#
# A kernel is a small grid of weights. It slides over the image; at each place, weights and pixels are multiplied and summed
# up. The map of these sums is a channel. Sobel-X answers to vertical edges, Sobel-Y to horizontal ones, the Laplacian to
# every change of slope. Mid-grey is zero.

# %% alt="A cup of coffee in grey, and the answers of three kernels: vertical edges, horizontal edges, and thin outlines, on mid-grey."
gray = luma(coffee())
figure, axes = plt.subplots(1, 4, figsize=(8, 1.7), dpi=60, layout="constrained")
axes[0].imshow(gray, cmap="gray")
for ax, kernel, name in zip(axes[1:], (SOBEL_X, SOBEL_Y, LAPLACIAN), ("Sobel-X", "Sobel-Y", "Laplacian"), strict=True):
    answers = apply_filter(gray, kernel)
    limit = np.quantile(abs(answers), 0.995)
    ax.imshow(answers, cmap="gray", vmin=-limit, vmax=limit)
    ax.set_title(name)
for ax in axes:
    ax.axis("off")
plt.show()

# %% [markdown]
# Inside a network a kernel is as deep as its input, and a layer makes as many channels as it has kernels:

# %%
layer = Conv2d(3, 64, 7, np.random.default_rng(0), stride=2, padding=3)
print("weights:", layer.weight.shape)
print("output: ", layer.forward(np.zeros((1, 3, 199, 199), np.float32)).shape)

# %% [markdown]
# ## Why do we nearly always use 3×3 kernels?
#
# It is the smallest kernel with a centre and a neighbour on every side. Two of them see as far as one 5×5, with fewer
# weights where all layers have equally many channels. (For a single output, they multiply more.)

# %%
print("two 3x3 see", receptive_field([Window(3), Window(3)]).size, "pixels along each axis")
print("weights:", 2 * conv_parameters(1, 1, 3, bias=False), "against", conv_parameters(1, 1, 5, bias=False))
stack = conv_macs(5, 1, 1, kernel=3) + conv_macs(3, 1, 1, kernel=3)
print("multiplications for one output:", stack, "against", conv_macs(5, 1, 1, kernel=5))

# %% [markdown]
# ## How many 3×3 convolutions take 199×199 to 1×1?
#
# Each takes one pixel from every side.

# %%
sizes = conv_chain(199)
print(format_chain(sizes))
print("Number of 3x3 convolutions =", len(sizes) - 1)

# %% [markdown]
# ## How are kernels initialised?
#
# At random around zero, with a variance that fits the number of inputs of a unit. For ReLU that is two over fan-in (He).
# Half of that scale, and the signal is gone after thirty layers; twice, and it explodes.

# %%
print("fan-in of a 3x3 kernel over 64 channels:", fans((128, 64, 3, 3))[0])
for factor in (0.5, 1, 2):
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(256)
    for _ in range(30):
        signal = relu(factor * he_normal((256, 256), rng) @ signal)
    print(f"{factor} times He: mean square about 1e{np.log10((signal**2).mean()):+.0f}")

# %% [markdown]
# ## What happens while a deep network trains?
#
# Forward, loss, backward, step; again and again. The loss falls on average, and the network learns to read.

# %% alt="The loss of every mini-batch: a noisy line that falls quickly at first and slowly later."
rng = np.random.default_rng(0)
letters, others = draw_letters(100, rng), draw_letters(20, rng)
model = letters_network(rng)
history = fit(model, letters, Adam(lr=0.005), epochs=4, batch_size=32, rng=rng, progress=False)
plt.figure(figsize=(5, 2.4), dpi=60, layout="constrained")
plt.plot(history.losses, linewidth=0.8)
plt.xlabel("step")
plt.ylabel("loss")
plt.show()
print("reads more than four of five letters:", accuracy(model, others) > 0.8)
