# %% [markdown]
# # Lab: shape arithmetic
#
# Follow an image through a network you know, and then through one of your own. You need nothing but the package:
# `pip install cnnguide`.

# %%
from cnnguide import NETWORKS, Window, conv_chain, receptive_field, trace

# %% [markdown]
# ## A network you know
#
# Each row says what stands after a layer: how large the feature map is, how many input pixels one of its values depends
# on, how far apart two neighbours look, and where the first of them looks. Change the name: the networks are listed
# below.

# %%
print(*NETWORKS)

# %%
for row in trace(NETWORKS["alexnet"], size=227):
    print(
        f"{row.name:8} size {row.size:3}   sees {row.receptive_field:3}   jump {row.jump:2}   starts at {row.start:4}"
    )

# %% [markdown]
# ## A network of your own
#
# Describe it as windows that slide. This one reaches a single value from a photo of 199×199 in a handful of layers.

# %%
mine = [
    Window(7, stride=2, padding=3, name="stem"),
    Window(3, stride=2, padding=1, name="pool"),
    Window(3, stride=2, padding=1, name="stage 1"),
    Window(3, stride=2, padding=1, name="stage 2"),
    Window(13, name="global"),
]
for row in trace(mine, size=199):
    print(f"{row.name:8} size {row.size:3}   sees {row.receptive_field:3}")

# %% [markdown]
# ## Your turn
#
# How many 3×3 convolutions without padding take 101×101 to 1×1? Put your answer into the next cell and run it.

# %%
answer = 50


def check(answer: int, size: int = 101) -> str:
    sizes = conv_chain(size)
    if answer == len(sizes) - 1:
        return "Right: each convolution takes one pixel from each side."
    if answer == len(sizes):
        return f"{answer} is the number of sizes. The convolutions are the steps between them: one less."
    if answer == size // 3:
        return "A 3x3 kernel makes the map smaller by 2 pixels, not to a third of its size."
    return f"No: the chain is {sizes[0]}, {sizes[1]}, {sizes[2]}, ... Each convolution makes it smaller by 2."


print(check(answer))
print(check(51))
print(check(33))

# %% [markdown]
# One more: which receptive field does the network have before its last layer, and what would you change to let it see the
# whole photo?

# %%
print(f"It sees {receptive_field(mine[:-1]).size} pixels.")

# %% [markdown]
# Every later layer sees further where the strides come early, and dilation widens the field too. Here is a third way, more
# layers:

# %%
deeper = [*mine[:-1], *[Window(3, padding=1)] * 6]
print(f"It sees {receptive_field(deeper).size} pixels.")
