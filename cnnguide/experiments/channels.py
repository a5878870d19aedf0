"""Experiments of the chapter on question 1: finding a letter by its kernel, what channels answer to, what colour is for."""

import numpy as np

from cnnguide.experiments.store import Result, Tolerance, experiment
from cnnguide.filters import LAPLACIAN, SOBEL_X, SOBEL_Y, match_template
from cnnguide.images import luma
from cnnguide.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential
from cnnguide.letters import ALPHABET, HELD_OUT_FONTS, Page, draw_letters, draw_page
from cnnguide.letters_network import train_letters_network
from cnnguide.optimizers import Adam
from cnnguide.training import accuracy, fit

TEXT = (
    "a kernel slides over the page and answers at every place how well the letter below it fits so the e channel lights "
    "up wherever there is an e between these words and nowhere else even here where the letters c and o nearly deceive it"
)
SIZES = (11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
SLANTS = (0.0, 0.1, 0.2, 0.3, 0.4)
SEEDS = (0, 1, 2)


# --8<-- [start:cut_letter]
def cut_letter(letter: str, em: float = 16, shear: float = 0.0) -> np.ndarray:
    """The pixels of one letter, with an odd number of rows and columns, so that the template has a centre."""
    page = draw_page(letter, em=em, width=80, shear=shear)
    glyph, half = page.glyphs[0], round(0.34 * em)
    return page.image[glyph.row - half : glyph.row + half + 1, glyph.column - half : glyph.column + half + 1]


# --8<-- [end:cut_letter]


# --8<-- [start:nearest_kernel]
def nearest_kernel(bank: np.ndarray, pattern: np.ndarray) -> tuple[int, float]:
    """Which kernel of a bank is most like a pattern, or its negative, and the correlation of their weights."""
    correlations = [np.corrcoef(kernel.ravel(), pattern.ravel())[0, 1] for kernel in bank]
    place = int(np.argmax(np.abs(correlations)))
    return place, float(correlations[place])


# --8<-- [end:nearest_kernel]


# --8<-- [start:patterns]
def designed_kernels() -> dict[str, np.ndarray]:
    """Kernels that people have designed, for three colours: (3, 3, 3) each."""
    line = np.tile([-1.0, 2.0, -1.0], (3, 1))
    gray = {"Sobel-X": SOBEL_X, "Sobel-Y": SOBEL_Y, "line": line, "Laplacian": LAPLACIAN}
    yellow_or_blue = np.array([0.5, 0.5, -1.0])[:, None, None]
    return {name: np.tile(kernel, (3, 1, 1)) for name, kernel in gray.items()} | {
        "yellow or blue": np.tile(yellow_or_blue, (1, 3, 3))
    }


# --8<-- [end:patterns]


# --8<-- [start:find_letter]
def find_letter(image: np.ndarray, templates: list[np.ndarray], threshold: float = 0.85) -> list[tuple[int, int]]:
    """Centres (row, column) of all places where some template fits well, and better than anywhere near."""
    best = np.full(image.shape, -1.0)
    for template in templates:
        top, left = template.shape[0] // 2, template.shape[1] // 2
        fit = match_template(image, template)
        inside = best[top : top + fit.shape[0], left : left + fit.shape[1]]
        np.maximum(inside, fit, out=inside)  # writes into `best`
    found: list[tuple[int, int]] = []
    for place in np.argsort(best, axis=None)[::-1]:
        row, column = divmod(int(place), image.shape[1])
        if best[row, column] < threshold:
            break
        if all(max(abs(row - r), abs(column - c)) > 4 for r, c in found):
            found.append((row, column))
    return found


# --8<-- [end:find_letter]


# --8<-- [start:precision_and_recall]
def precision_and_recall(found: list[tuple[int, int]], page: Page, letter: str = "e") -> tuple[float, float]:
    """Share of the finds that are right, and share of the page's letters that were found, two pixels off allowed."""
    wanted = [(glyph.row, glyph.column) for glyph in page.glyphs if glyph.letter == letter]

    def near(place: tuple[int, int], others: list[tuple[int, int]]) -> bool:
        return any(max(abs(place[0] - r), abs(place[1] - c)) <= 2 for r, c in others)

    right = sum(near(place, wanted) for place in found)
    met = sum(near(place, found) for place in wanted)
    return right / max(len(found), 1), met / len(wanted)


# --8<-- [end:precision_and_recall]


def template_bank(letter: str = "e") -> list[np.ndarray]:
    """One letter at five sizes and three slants."""
    return [cut_letter(letter, em, shear) for em in (12, 14, 16, 18, 20) for shear in (0.0, 0.2, 0.4)]


@experiment
def one_template_and_a_bank() -> Result:
    """Recall and precision of one e of 16 pixels, and of a bank of fifteen, on pages of other sizes and slants."""
    finders = {"one": [cut_letter("e")], "bank": template_bank()}
    result: Result = {"sizes": SIZES, "slants": SLANTS}
    for name, templates in finders.items():
        pages = {
            "sizes": [draw_page(TEXT, em=em) for em in SIZES],
            "slants": [draw_page(TEXT, shear=shear) for shear in SLANTS],
        }
        for axis, drawn in pages.items():
            scores = [precision_and_recall(find_letter(page.image, templates), page) for page in drawn]
            result[f"{name}_{axis}_precision"], result[f"{name}_{axis}_recall"] = map(list, zip(*scores, strict=True))
    return result


# Of trained networks: one of 40 images of a letter is 0.025, and an answer near half of the peak is a letter more or less.
@experiment(atol=0.02, below={"letters_per_channel": Tolerance(atol=4), "lost_without_a_channel": Tolerance(atol=0.15)})
def what_channels_answer_to() -> Result:
    """How well each channel of the second convolution, and each score, tells one letter from all others.

    By the area under the ROC curve (AUC): the probability that the channel answers more strongly to a random image of the
    letter than to a random image of another one. 0.5 is chance, 1 a channel of its own. Over networks from several seeds.
    """
    x, target = draw_letters(40, np.random.default_rng(99), fonts=HELD_OUT_FONTS)
    best_channel, best_score, above_half, loss_of_e = [], [], [], []
    for seed in SEEDS:
        model, _ = train_letters_network(np.random.default_rng(seed), per_letter=100)
        maps = Sequential(*model.layers[:6]).forward(x)
        answers = maps.max(axis=(2, 3))
        scores = model.forward(x)
        best_channel.append([max(auc(channel, target == n) for channel in answers.T) for n in range(26)])
        best_score.append([auc(scores[:, n], target == n) for n in range(26)])
        peaks = answers.max(axis=0)
        excite = [[(answers[target == n, c] > peaks[c] / 2).any() for n in range(26)] for c in range(len(peaks))]
        above_half.append([int(sum(letters)) for letters in excite])
        loss_of_e.append(_lost_without_each_channel(model, x, target, ALPHABET.index("e")))
    return {
        "channel_auc": best_channel,
        "score_auc": best_score,
        "letters_per_channel": above_half,
        "lost_without_a_channel": loss_of_e,
    }


def auc(answers: np.ndarray, is_letter: np.ndarray) -> float:
    """Probability that a letter's answer exceeds another's; equal answers count half."""
    order = np.argsort(answers, kind="stable")
    ranks = np.empty(len(answers))
    ranks[order] = np.arange(1, len(answers) + 1)
    _, group = np.unique(answers, return_inverse=True)
    ranks = (np.bincount(group, ranks) / np.bincount(group))[group]  # ties share their mean rank
    positive = int(is_letter.sum())
    wins = ranks[is_letter].sum() - positive * (positive + 1) / 2
    return float(wins / (positive * (len(answers) - positive)))


def _lost_without_each_channel(model: Sequential, x: np.ndarray, target: np.ndarray, letter: int) -> list[float]:
    """By how much the share of one letter that is read right falls when a channel of the second layer is silent."""
    trunk, head = Sequential(*model.layers[:6]), Sequential(*model.layers[6:])
    maps, chosen = trunk.forward(x[target == letter]), target[target == letter]
    whole = accuracy(head, (maps, chosen))
    lost = []
    for channel in range(maps.shape[1]):
        silent = maps.copy()
        silent[:, channel] = 0
        lost.append(whole - accuracy(head, (silent, chosen)))
    return lost


def equally_bright_colors(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Disks in front of noise: reddish ones (class 0) and bluish ones (class 1), all with the luma of their ground."""
    target = rng.integers(0, 2, count)
    x = np.repeat(rng.uniform(0.3, 0.6, (count, 1, 12, 12)), 3, axis=1)
    rows, columns = np.mgrid[:12, :12]
    centre = rng.uniform(3, 8, (count, 2, 1, 1))
    spot = np.hypot(rows - centre[:, 0], columns - centre[:, 1]) < 3
    # More red or more blue, and as much less green as keeps the luma.
    tint = 0.25 * np.array([[1, -0.299 / 0.587, 0], [0, -0.114 / 0.587, 1]])
    x += spot[:, None] * tint[target][:, :, None, None]
    return x.astype(np.float32), target


@experiment(atol=0.02)  # 8 of 400 disks
def colour_or_gray() -> Result:
    """A task that only colour solves, with and without colour, over several seeds."""
    result: Result = {"colour": [], "gray": []}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        train, test = equally_bright_colors(600, rng), equally_bright_colors(400, rng)
        for name, channels in (("colour", 3), ("gray", 1)):
            (x, target), (x_test, target_test) = train, test
            if name == "gray":
                x, x_test = (np.stack([luma(image)[None] for image in images]) for images in (x, x_test))
            model = Sequential(Conv2d(channels, 6, 3, rng), ReLU(), MaxPool2d(2), Flatten(), Linear(6 * 5 * 5, 2, rng))
            fit(model, (x, target), Adam(lr=0.01), epochs=8, batch_size=32, rng=rng, progress=False)
            result[name].append(accuracy(model, (x_test, target_test)))
    return result
