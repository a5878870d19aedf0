# %% [markdown]
# # Lab: filter your own photo
#
# Slide kernels over a photo: first over the one that comes with the package, then over yours. You need the package and
# matplotlib, and Pillow for your own picture: `pip install "cnnguide[figures,photos]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np

from cnnguide import (
    GAUSSIAN,
    IDENTITY,
    LAPLACIAN,
    SHARPEN,
    SOBEL_X,
    SOBEL_Y,
    apply_filter,
    coffee,
    gradient_magnitude,
    luma,
)

# %% [markdown]
# ## A photo
#
# Put the path of your picture here; `None` takes the cup of coffee. Large photos work, but small ones show more.

# %%
my_photo = None  # for example "holiday.jpg"

if my_photo is None:
    photo = coffee()
else:
    from cnnguide import load

    photo = load(my_photo)
gray = luma(photo)
height, width = gray.shape
print(f"{width} x {height}, from {gray.min():.1f} to {gray.max():.1f}")

# %% [markdown]
# ## Four kernels
#
# Kernels whose weights add up to zero answer with both signs: mid-grey is zero.

# %% alt="Four pictures of the photo: blurred by the Gaussian kernel, sharpened, its vertical edges by Sobel-X, and its outlines by the Laplacian."
kernels = {
    "blurred": GAUSSIAN,
    "sharpened": SHARPEN,
    "Sobel-X": SOBEL_X,
    "Laplacian": LAPLACIAN,
}
figure, axes = plt.subplots(2, 2, figsize=(6, 4.2), layout="constrained")
for ax, (name, kernel) in zip(axes.flat, kernels.items(), strict=True):
    answers = apply_filter(gray, kernel)
    signed = abs(kernel.sum()) < 1e-9
    limit = np.quantile(abs(answers), 0.995)
    low, high = (-limit, limit) if signed else (0, 1)
    ax.imshow(answers, cmap="gray", vmin=low, vmax=high)
    ax.set_title(name)
    ax.axis("off")
plt.show()

# %% [markdown]
# ## A kernel of your own
#
# Change the weights and run the cell again. What does this one answer to?

# %% alt="The answers of a kernel that compares the upper right with the lower left: edges from the upper left to the lower right stand out most, those from the lower left to the upper right stay mid-grey."
mine = np.array([[0.0, 1.0, 2.0], [-1.0, 0.0, 1.0], [-2.0, -1.0, 0.0]])
answers = apply_filter(gray, mine)
plt.figure(figsize=(3.4, 2.4), layout="constrained")
limit = abs(answers).max() / 2
plt.imshow(answers, cmap="gray", vmin=-limit, vmax=limit)
plt.axis("off")
plt.show()
print("weights add up to", mine.sum())

# %% [markdown]
# ## Your turn: edges from a gradient
#
# How steep is a picture that gets brighter by 3 per pixel downwards and by 4 to the right? Sobel's kernels answer eight
# times the change per pixel. The answer in the cell is a wrong one; run it, read what it says, and put a better one there.

# %%
slope = np.add.outer(3.0 * np.arange(9), 4.0 * np.arange(9))


def check_steepness(answer: float) -> str:
    across = apply_filter(slope, SOBEL_X)[4, 4]
    down = apply_filter(slope, SOBEL_Y)[4, 4]
    right = gradient_magnitude(slope)[4, 4]
    if np.isclose(answer, right):
        return "Right: the length of the two answers, eight times five."
    if np.isclose(answer, right / 8):
        return (
            "That is the change per pixel. "
            "Sobel's kernels answer eight times as much."
        )
    if np.isclose(answer, across + down):
        return (
            "The two answers do not add up: they are the sides "
            "of a right angle. Take the length, sqrt(x² + y²)."
        )
    if np.isclose(answer, across) or np.isclose(answer, down):
        return "That is one direction only."
    return (
        f"No. Sobel-X answers {across:.0f}, Sobel-Y answers {down:.0f}; "
        "how long is that arrow?"
    )


answer = 56  # put yours here

print(check_steepness(answer))

# %% [markdown]
# ## Your turn: a kernel that shifts
#
# Write a kernel of three by three that moves the picture one pixel to the *right*: every pixel becomes its left neighbour.


# %%
def check_shift(kernel: np.ndarray) -> str:
    picture = np.arange(49.0).reshape(7, 7)
    moved = apply_filter(picture, np.asarray(kernel, float))[2:5, 2:5]
    if np.array_equal(moved, picture[2:5, 1:4]):
        return (
            "Right: the kernel is not flipped here, so the weight "
            "stands where the value comes from."
        )
    if np.array_equal(moved, picture[2:5, 3:6]):
        return (
            "It moves to the left. You flipped the kernel, "
            "as mathematicians do; networks do not."
        )
    if np.array_equal(moved, picture[2:5, 2:5]):
        return "The picture stays where it is."
    if np.array_equal(moved, picture[1:4, 2:5]) or np.array_equal(
        moved, picture[3:6, 2:5]
    ):
        return "It moves up or down. Rows come first, columns second."
    if np.count_nonzero(kernel) == 1 and np.sum(kernel) == 1:
        return "It moves along a diagonal. Take the middle row."
    return (
        "The picture is not just moved. "
        "Use a single one, and zeros elsewhere."
    )


my_kernel = IDENTITY  # put yours here: [[..., ..., ...], ...]

print(check_shift(my_kernel))
