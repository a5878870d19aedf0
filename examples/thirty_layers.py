# %% [markdown]
# # Lab: kill or save a network of thirty layers
#
# Only the scale of the first random weights decides whether a signal gets through thirty layers. Find a scale that kills
# the network, and one that saves it. You need the package and matplotlib: `pip install "cnnguide[figures]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np

from cnnguide import fans, he_normal, lecun_normal, relu, tanh, xavier_normal

DEPTH, WIDTH = 30, 200

# %% [markdown]
# ## A signal on its way
#
# Each layer multiplies with random weights and applies the activation. Note the mean square after each.


# %%
def journey(activation, draw, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal((WIDTH, 20))
    squares = [float((signal**2).mean())]
    for _ in range(DEPTH):
        signal = activation(draw((WIDTH, WIDTH), rng) @ signal)
        squares.append(float((signal**2).mean()))
    return squares


def scaled(factor: float):
    """He's weights, all multiplied by a factor."""
    return lambda shape, rng: factor * he_normal(shape, rng)


# %% alt="Three lines on a logarithmic axis over thirty layers: half of He's scale falls, He's scale stays level, one and a half times He's scale rises."
plt.figure(figsize=(5, 3), dpi=60, layout="constrained")
for factor in (0.5, 1.0, 1.5):
    plt.semilogy(journey(relu, scaled(factor)), label=f"{factor} times He")
plt.xlabel("layer")
plt.ylabel("mean square")
plt.legend()
plt.show()

# %% [markdown]
# ## Your turn: save it
#
# Which standard deviation must the weights of a ReLU layer have for a width of 200? Put your answer into the next cell.

# %%
answer = 0.1


def check(answer: float) -> str:
    end = journey(relu, lambda shape, rng: answer * rng.standard_normal(shape))[-1]
    fate = "the signal explodes" if end > 100 else "the signal vanishes" if end < 0.01 else "the signal survives"
    if np.isclose(answer, np.sqrt(2 / WIDTH), rtol=0.02):
        return f"Right: the root of two over fan-in, and {fate}."
    if np.isclose(answer, 2 / WIDTH, rtol=0.02):
        return f"That is the variance; {fate}. Take its root."
    if np.isclose(answer, np.sqrt(1 / WIDTH), rtol=0.02):
        return f"That is for tanh; {fate}. ReLU sets half of the signal to zero, so it needs twice the variance."
    if np.isclose(answer, np.sqrt(2 / WIDTH / DEPTH), rtol=0.02) or np.isclose(answer, 1 / DEPTH, rtol=0.02):
        return f"The number of layers is in no scheme's formula; {fate}."
    return f"With {answer}, {fate}."


for one in (answer, 0.01, 0.0707, 1.0):
    print(check(one))

# %% [markdown]
# ## tanh is more patient
#
# tanh squashes what is too large. Does it need the right scale at all? Look at where its outputs end up.

# %%
for name, draw in (("LeCun", lecun_normal), ("Xavier", xavier_normal), ("He", he_normal), ("ten times He", scaled(10))):
    print(f"{name:13} mean square at the end {journey(tanh, draw)[-1]:.1f}")

# %% [markdown]
# With ten times He's scale nearly all outputs are at minus one or one: the signal is loud, but it no longer says much.
#
# ## Your turn: fan-in of a convolution
#
# A layer has 128 kernels of 3×3 over 64 channels. What is its fan-in?

# %%
answer = 576


def check_fan_in(answer: int) -> str:
    fan_in, fan_out = fans((128, 64, 3, 3))
    if answer == fan_in:
        return "Right: channels in, times the places of the kernel."
    if answer == fan_out:
        return "That is fan-out: how many outputs one input reaches."
    if answer == 64:
        return "Each channel is read at nine places."
    if answer == 9:
        return "That is for one channel. A kernel reads all of them."
    return "No. How many products does one output sum up?"


for one in (answer, 1152, 64, 9):
    print(check_fan_in(one))
