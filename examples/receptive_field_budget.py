# %% [markdown]
# # Lab: see far on a budget
#
# Design a stack of layers that sees far enough, with as few weights as you can. You need the package:
# `pip install "cnnguide[figures]"`.

# %%
from cnnguide import Window, conv_parameters, path_counts, receptive_field

CHANNELS = 64

# %% [markdown]
# ## What a design costs
#
# Every layer reads and makes the same number of channels. A design is a list of windows. Of each design we want to know how
# many pixels an output sees along an axis, at every how many pixels an output stands, and how many weights there are.


# %%
def weights(design: list[Window]) -> int:
    return sum(
        conv_parameters(CHANNELS, CHANNELS, layer.kernel, bias=False)
        for layer in design
    )


def describe(name: str, design: list[Window]) -> None:
    field = receptive_field(design)
    cost = weights(design)
    print(f"{name:10} sees {field.size:2}, every {field.stride}: {cost:7,}")


describe("one 11x11", [Window(11)])
describe("five 3x3", [Window(3)] * 5)
describe(
    "dilation",
    [Window(3), Window(3, dilation=2), Window(3, dilation=2)],
)
describe("strides", [Window(3, stride=2), Window(3, stride=2), Window(3)])

# %% [markdown]
# ## Seeing is not weighing
#
# Dilation is cheap, but count the paths: some pixels may be left out, and the middle counts most.

# %%
print(path_counts([Window(3)] * 3))
print(path_counts([Window(3, dilation=2)] * 2))

# %% [markdown]
# ## Your turn
#
# See at least 31 pixels along each axis, from every output pixel (so no strides), reading *every* pixel in the field, with
# at most 200,000 weights. The design in the cell is refused; it says why. Put a better one there.


# %%
def check(
    design: list[Window], wanted: int = 31, budget: int = 200_000
) -> str:
    field = receptive_field(design)
    if field.stride > 1:
        return (
            f"Its outputs stand {field.stride} pixels apart: "
            "a stride throws places away. Do without."
        )
    if field.size < wanted:
        missing = wanted - field.size
        if sum(layer.kernel for layer in design) >= wanted:
            return (
                f"It sees {field.size}. Kernels do not add up: "
                "a layer adds one less than its kernel."
            )
        return (
            f"It sees {field.size}, {missing} too few. "
            "A layer adds (kernel - 1) times its dilation."
        )
    if 0 in path_counts(design):
        skipped = path_counts(design).count(0)
        return (
            f"It reaches {field.size}, but skips {skipped} of those pixels. "
            "Begin without dilation, and grow it slowly."
        )
    if weights(design) > budget:
        return (
            f"It has {weights(design):,} weights, more than {budget:,}. "
            "Small kernels with dilation reach further."
        )
    return (
        f"Right: it sees {field.size} with {weights(design):,} weights, "
        "and reads every pixel."
    )


mine = [Window(3)] * 15  # put yours here

print(check(mine))

# %% [markdown]
# Can you do it with fewer weights? Four layers of 3×3 are needed at the least if no pixel may be skipped. Why? (Each output
# reads three places per layer, so *n* layers can reach at most three to the power of *n* pixels.)
#
# ## Your turn: the weights of a pair
#
# How many weights have two 3×3 layers, without biases, with 64 channels everywhere?


# %%
def check_pair(answer: int) -> str:
    pair = weights([Window(3), Window(3)])
    if answer == pair:
        return "Right: each kernel is as deep as its input."
    if answer == 18:
        return (
            "That is for a single channel. Each kernel has nine weights "
            "for every channel that it reads, and there is a kernel "
            "for every channel that comes out."
        )
    if answer == pair // CHANNELS:
        return (
            "A kernel reads all channels, and there are as many kernels "
            "as channels come out: multiply by both."
        )
    if answer == pair // 2:
        return "That is one layer."
    if answer == 2 * conv_parameters(CHANNELS, CHANNELS, 3):
        return "That includes the biases, one per kernel."
    return "No. Multiply channels in, channels out and nine, for each layer."


answer = 18  # put yours here

print(check_pair(answer))
