# %% [markdown]
# # Lab: shape arithmetic
#
# Follow an image through a network you know, and then through one of your own. You need the package:
# `pip install "cnnguide[figures]"`.

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
print("layer   size  sees  jump  start")
for row in trace(NETWORKS["alexnet"], size=227):
    print(
        f"{row.name:6}{row.size:6}{row.receptive_field:6}"
        f"{row.jump:6}{row.start:7}"
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
    print(f"{row.name:8} size {row.size:3}, sees {row.receptive_field:3}")

# %% [markdown]
# ## Your turn
#
# How many 3×3 convolutions without padding take 101×101 to 1×1? The answer in the cell is a wrong one; run it, read what it
# says, and put a better one there.


# %%
def check(answer: int, size: int = 101) -> str:
    sizes = conv_chain(size)
    if answer == len(sizes) - 1:
        return "Right: each convolution takes one pixel from each side."
    if answer == len(sizes):
        return (
            f"{answer} is the number of sizes. "
            "The convolutions are the steps between them: one less."
        )
    if answer == size // 3:
        return (
            "A 3x3 kernel makes the map smaller by 2 pixels, "
            "not to a third of its size."
        )
    return (
        f"No: the chain is {sizes[0]}, {sizes[1]}, {sizes[2]}, ... "
        "Each convolution makes it smaller by 2."
    )


answer = 51  # put yours here

print(check(answer))

# %% [markdown]
# ## Your turn: see the whole photo
#
# Before its last layer the network above does not see all of the photo:

# %%
print(f"It sees {receptive_field(mine[:-1]).size} of 199 pixels.")

# %% [markdown]
# Change the list so that it does, and still ends with a map of 13×13. There is more than one way: further layers, larger
# kernels, or dilation; padding keeps the size.


# %%
def check_design(design: list[Window], size: int = 199, end: int = 13) -> str:
    try:
        last = trace(design, size)[-1]
    except ValueError as error:
        return f"That does not fit: {error}."
    if last.size != end:
        hint = "more" if last.size < end else "less"
        return (
            f"It ends with {last.size}x{last.size}. Take {hint} padding: "
            "with stride 1, half of (kernel - 1) * dilation keeps the size."
        )
    if last.receptive_field < size:
        return (
            f"It sees {last.receptive_field}. At the end of your list "
            f"a kernel adds (kernel - 1) times {last.jump} pixels."
        )
    return f"Right: it sees {last.receptive_field} pixels."


my_design = [*mine[:-1], Window(3, padding=1)]  # put yours here

print(check_design(my_design))
