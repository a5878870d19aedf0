# %% [markdown]
# # Lab: kill or save a network of thirty layers
#
# Only the scale of the random weights at the start decides whether a signal gets through thirty layers. Find a scale that kills
# the network, and one that saves it. You need the package and matplotlib: `pip install "cnnguide[figures]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np

from cnnguide import (
    Adam,
    Flatten,
    Linear,
    ReLU,
    Sequential,
    accuracy,
    draw_letters,
    fans,
    fit,
    he_normal,
    lecun_normal,
    relu,
    tanh,
    xavier_normal,
)

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
plt.figure(figsize=(5, 3), layout="constrained")
for factor in (0.5, 1.0, 1.5):
    plt.semilogy(journey(relu, scaled(factor)), label=f"{factor} times He")
plt.xlabel("layer")
plt.ylabel("mean square")
plt.legend()
plt.show()

# %% [markdown]
# ## Does it learn?
#
# Thirty layers, trained on letters for ten epochs, once for each scale. One letter in 26 is guessing. (With He's scale the
# network learns, but slowly: without shortcuts or normalisation, thirty layers remain hard to train.)


# %%
def network(factor: float, rng: np.random.Generator) -> Sequential:
    layers = [Flatten(), Linear(400, 80, rng)]
    for _ in range(DEPTH - 2):
        layers += [ReLU(), Linear(80, 80, rng)]
    model = Sequential(*layers, ReLU(), Linear(80, 26, rng))
    for weight in model.parameters()[::2]:  # every second one is a bias
        weight *= factor
    return model


for factor in (0.5, 1.0, 1.5):
    rng = np.random.default_rng(0)
    letters, others = draw_letters(100, rng), draw_letters(20, rng)
    deep = network(factor, rng)
    settings = dict(epochs=10, batch_size=32, rng=rng, progress=False)
    fit(deep, letters, Adam(lr=0.0005), **settings)
    print(f"{factor} times He: reads {accuracy(deep, others):.0%}")

# %% [markdown]
# ## Your turn: save it
#
# Which standard deviation must the weights of a ReLU layer have for a width of 200? The answer in the cell is a wrong one; run
# it, read what it says, and put a better one there.


# %%
def check(answer: float) -> str:
    def draw(shape, rng):
        return answer * rng.standard_normal(shape)

    def near(value: float) -> bool:
        return np.isclose(answer, value, rtol=0.02)

    end = journey(relu, draw)[-1]
    fate = "the signal survives"
    if end > 100:
        fate = "the signal explodes"
    elif end < 0.01:
        fate = "the signal vanishes"
    if near(np.sqrt(2 / WIDTH)):
        return f"Right: the root of two over fan-in, and {fate}."
    if near(2 / WIDTH):
        return f"That is the variance; {fate}. Take its root."
    if near(np.sqrt(1 / WIDTH)):
        return (
            f"That is for tanh; {fate}. ReLU sets half of the signal to zero, "
            "so it needs twice the variance."
        )
    if near(np.sqrt(2 / WIDTH / DEPTH)) or near(1 / DEPTH):
        return f"The number of layers is in no scheme's formula; {fate}."
    return f"With {answer}, {fate}."


answer = 0.01  # put yours here

print(check(answer))

# %% [markdown]
# ## tanh is more patient
#
# tanh squashes what is too large. Does it need the right scale at all? Look at the mean square of its outputs at the end.

# %%
for name, draw in (
    ("LeCun", lecun_normal),
    ("Xavier", xavier_normal),
    ("He", he_normal),
    ("ten times He", scaled(10)),
):
    print(f"{name:13} {journey(tanh, draw)[-1]:.2f}")

# %% [markdown]
# With ten times He's scale most outputs are close to minus one or one. The signal is loud, but not steady. Change the input
# by a millionth:

# %%
rng = np.random.default_rng(0)
one = rng.standard_normal((WIDTH, 1))
two = one + 1e-6 * rng.standard_normal((WIDTH, 1))
for _ in range(DEPTH):
    weights = scaled(10)((WIDTH, WIDTH), rng)
    one, two = tanh(weights @ one), tanh(weights @ two)
print(f"{(np.sign(one) != np.sign(two)).mean():.0%} of the signs differ")

# %% [markdown]
# About half of the signs at the end are others, as if the two inputs had nothing in common. On the way back,
# gradients explode for the same reason, as the chapter on initialisation shows.
#
# ## Your turn: fan-in of a convolution
#
# A layer has 128 kernels of 3×3 over 64 channels. What is its fan-in?


# %%
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


answer = 1152  # put yours here

print(check_fan_in(answer))
