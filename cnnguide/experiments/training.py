"""Experiments of the chapter on question 5: what happens while a deep network trains."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnnguide.activations import log_softmax, log_softmax_backward, softmax
from cnnguide.experiments.store import FORM, Result, Tolerance, experiment
from cnnguide.feature_visualization import maximize_activation
from cnnguide.images import photo
from cnnguide.layers import Dropout, Layer, Sequential
from cnnguide.letters import FAMILIES, HELD_OUT_FAMILIES, HELD_OUT_FONTS, HELD_OUT_STYLES, TRAINING_FONTS, draw_letters
from cnnguide.letters_network import letters_network, trained_letters_network
from cnnguide.losses import cross_entropy, cross_entropy_backward
from cnnguide.optimizers import SGD, AdaGrad, Adam, RMSProp
from cnnguide.photo_network import photo_network, prepare_photo
from cnnguide.training import DivergedError, Examples, Optimizer, accuracy, fit

EPOCHS, BATCH = 8, 32
LETTERS_SHOWN = "cnnguide"


def _generator(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _letters(per_letter: int, *seed: int, fonts: Sequence[str] = TRAINING_FONTS, **settings: Any) -> Examples:
    wide: dict[str, Any] = {"scale": (0.5, 1.0), "shear": (-0.35, 0.35)} | settings
    return draw_letters(per_letter, _generator(*seed), fonts=fonts, **wide)


def _rounded(array: np.ndarray, digits: int = 2) -> Any:
    return array.astype(float).round(digits).tolist()


def _cosine(lr: float, epoch: int, epochs: int) -> float:
    return float(lr * (1 + np.cos(np.pi * epoch / epochs)) / 2)


@experiment(
    atol=0.03,  # of accuracies: 39 of 1,300 letters
    below={
        "losses": Tolerance(atol=0.5),  # of single batches
        "confusion": Tolerance(atol=10),
        # What one network reads in one letter, and the weights it finds, are decided by the last bits.
        "kernels": FORM, "predictions": FORM, "misread": FORM,
    },
)  # fmt: skip
def watched_training() -> Result:
    """The guide's network trained from three seeds, and looked at again and again.

    Formula: as `train_letters_network`; "unseen" letters are of families that training never saw, "styles" of unseen styles
    of a family that it did see; "families" has the accuracy at the end for each unseen family.
    """
    validation, unseen = _letters(50, 1), _letters(50, 2, fonts=HELD_OUT_FONTS)
    styles = _letters(50, 6, fonts=HELD_OUT_STYLES)
    families = {family: _letters(50, 7, fonts=FAMILIES[family]) for family in HELD_OUT_FAMILIES}
    shown = [_letters(1, 3, place, fonts=HELD_OUT_FONTS)[0][ord(c) - 97] for place, c in enumerate(LETTERS_SHOWN)]
    samples = np.stack(shown)
    runs, confusion, misread = [], np.zeros((26, 26), int), []
    for seed in range(3):
        rng = _generator(4, seed)
        x, target = _letters(200, 5, seed)
        model, optimizer = letters_network(rng), Adam()
        order = rng.permutation(len(x))
        x, target = x[order], target[order]
        run: Result = {"losses": [], "validation": [], "unseen": [], "styles": [], "kernels": [], "predictions": []}

        def look(model: Sequential = model, run: Result = run) -> None:
            p = softmax(model.forward(samples))
            run["predictions"].append(
                {"step": len(run["losses"]), "letter": p.argmax(axis=1).tolist(), "p": _rounded(p.max(axis=1), 3)}
            )

        def end_epoch(model: Sequential = model, run: Result = run) -> None:
            run["validation"].append(accuracy(model, validation))
            run["unseen"].append(accuracy(model, unseen))
            run["styles"].append(accuracy(model, styles))
            run["kernels"].append(_rounded(model.parameters()[0][:, 0], 4))

        look()
        end_epoch()
        for epoch in range(EPOCHS):
            optimizer.lr = _cosine(0.008, epoch, EPOCHS)
            cuts = [0, 10 * BATCH, 40 * BATCH, len(x)] if epoch == 0 else [0, len(x)]  # the first steps change most
            for start, end in itertools.pairwise(cuts):
                part = (x[start:end], target[start:end])
                run["losses"] += fit(model, part, optimizer, 1, BATCH, rng, progress=False).losses
                if epoch == 0:
                    look()
            end_epoch()
        look()
        read = model.forward(unseen[0]).argmax(axis=1)
        np.add.at(confusion, (unseen[1], read), 1)
        if seed == 0:
            wrong = np.flatnonzero(read != unseen[1])
            pairs = 26 * unseen[1][wrong] + read[wrong]
            firsts = np.sort(np.unique(pairs, return_index=True)[1])[:9]  # of nine confusions one letter each
            misread = [(_rounded(unseen[0][i, 0]), int(unseen[1][i]), int(read[i])) for i in wrong[firsts]]
        run["families"] = {family: accuracy(model, letters) for family, letters in families.items()}
        run["losses"] = [round(loss, 4) for loss in run["losses"]]
        runs.append(run)
    return {
        "runs": runs, "confusion": confusion.tolist(), "misread": misread, "letters": len(x),
        "samples": _rounded(samples[:, 0]), "steps_per_epoch": -(-len(x) // BATCH),
    }  # fmt: skip


@experiment(atol=0.05)  # 8 of 160 steps
def falling_loss() -> Result:
    """How often the loss falls in a step of Adam: on the batch just learned from, and on letters that stay the same."""
    fixed = _letters(5, 1)
    x, target = _letters(100, 5, 0)
    shares: Result = {}
    for lr in (0.001, 0.02):
        same, others = [], []
        for seed in range(3):
            rng = _generator(6, seed)
            model, optimizer = letters_network(rng), Adam(lr)
            before = float(cross_entropy(model.forward(fixed[0]), fixed[1]))
            batches = np.concatenate([rng.permutation(len(x))[: 80 * BATCH] for _ in range(2)]).reshape(-1, BATCH)
            fell, fell_fixed = 0, 0
            for batch in batches:
                logits = model.forward(x[batch], training=True)
                loss = float(cross_entropy(logits, target[batch]))
                model.backward_to_weights(cross_entropy_backward(logits, target[batch]))
                optimizer.step(model.parameters(), model.gradients())
                fell += float(cross_entropy(model.forward(x[batch]), target[batch])) < loss
                after = float(cross_entropy(model.forward(fixed[0]), fixed[1]))
                fell_fixed += after < before
                before = after
            same.append(fell / len(batches))
            others.append(fell_fixed / len(batches))
        shares[str(lr)] = {"batch": same, "fixed": others}
    return shares


@experiment(rtol=0.9)  # seconds: another machine may take ten times as long
def cost_of_backward() -> Result:
    """Seconds for forward, and for forward and backward, on a batch of 32 letters: the fastest of 40 tries."""
    model, (x, target) = letters_network(_generator(0)), _letters(2, 0)
    x, target = x[:BATCH], target[:BATCH]
    forward, both = [], []
    for _ in range(40):
        started = time.perf_counter()
        logits = model.forward(x)
        between = time.perf_counter()
        model.backward_to_weights(cross_entropy_backward(logits, target))
        forward.append(between - started)
        both.append(time.perf_counter() - started)
    return {"forward": min(forward), "both": min(both)}


RULES: dict[str, tuple[Callable[[float], Optimizer], tuple[float, ...]]] = {
    "SGD": (lambda lr: SGD(lr), (0.03, 0.1, 0.3, 1.0, 3.0)),
    "momentum": (lambda lr: SGD(lr, momentum=0.9), (0.003, 0.01, 0.03, 0.1, 0.3)),
    "Nesterov": (lambda lr: SGD(lr, momentum=0.9, nesterov=True), (0.003, 0.01, 0.03, 0.1, 0.3)),
    "AdaGrad": (lambda lr: AdaGrad(lr), (0.003, 0.01, 0.03, 0.1, 0.3)),
    "RMSProp": (lambda lr: RMSProp(lr), (0.0003, 0.001, 0.003, 0.01, 0.03)),
    "Adam": (lambda lr: Adam(lr), (0.001, 0.003, 0.01, 0.03, 0.1)),
}
"""Update rules by name, each with the learning rates that it is tuned over; momentum is 0.9, all else the default."""


# The accuracy of networks that learn too fast to converge is luck; that of the chosen learning rate is not.
@experiment(atol=0.06, below={"rates": Tolerance(atol=0.5), "best_lr": Tolerance()})
def fair_comparison() -> Result:
    """Six update rules, five learning rates each, three seeds: letters read after four epochs of 1,040.

    The learning rate is chosen on validation letters, and the rule is judged on others. A run whose loss is no longer finite
    counts as guessing.
    """
    validation, test = _letters(20, 1), _letters(20, 7)
    data = [_letters(40, 8, seed) for seed in range(3)]
    found: Result = {}
    for name, (rule, rates) in RULES.items():
        table: list[Result] = []
        for lr in rates:
            runs = []
            for seed, some in enumerate(data):
                rng = _generator(9, seed)
                model = letters_network(rng)
                try:
                    with np.errstate(all="ignore"):
                        fit(model, some, rule(lr), 4, BATCH, rng, progress=False)
                    runs.append((accuracy(model, validation), accuracy(model, test)))
                except DivergedError:
                    runs.append((1 / 26, 1 / 26))
            table.append({"lr": lr, "validation": [v for v, _ in runs], "test": [t for _, t in runs]})
        best = max(table, key=lambda row: float(np.mean(row["validation"])))
        found[name] = {"rates": table, "best_lr": best["lr"], "test": best["test"]}
    return found


def _with_dropout(rng: np.random.Generator, p: float) -> Sequential:
    model = letters_network(rng)
    return Sequential(*model.layers[:-1], Dropout(p, rng), model.layers[-1]) if p else model


def _shifted(x: np.ndarray, rng: np.random.Generator, most: int) -> np.ndarray:
    """Every image moved by up to `most` pixels along both axes; paper comes in at the border."""
    padded = np.pad(x, [(0, 0), (0, 0), (most, most), (most, most)])
    size = x.shape[2]
    corners = rng.integers(0, 2 * most + 1, (len(x), 2))
    return np.stack([image[:, r : r + size, c : c + size] for image, (r, c) in zip(padded, corners, strict=True)])


@experiment(atol=0.05, below={"curves": Tolerance(atol=0.2), "stopped after": Tolerance(atol=5)})  # 26 of 520 letters
def overfitting() -> Result:
    """Twenty letters of each kind, twenty epochs, four seeds: plain, and with each regulariser.

    Early stopping is read off the plain runs: the weights of the lowest validation loss before five epochs without a lower
    one.
    """
    validation, test = _letters(20, 1), _letters(20, 7)
    kinds: dict[str, Result] = {
        "nothing": {}, "weight decay": {"decay": 0.003}, "dropout": {"p": 0.5}, "shifts": {"most": 2},
    }  # fmt: skip
    epochs = 20
    found: Result = {name: {"accuracy": [], "loss": []} for name in [*kinds, "early stopping"]}
    found["curves"], found["train accuracy"], found["stopped after"] = [], [], []
    for seed in range(4):
        x, target = _letters(20, 10, seed)
        for name, kind in kinds.items():
            rng = _generator(11, seed)
            model = _with_dropout(rng, kind.get("p", 0))
            optimizer = SGD(0.05, momentum=0.9, weight_decay=kind.get("decay", 0))
            train, watched, judged = [], [], []
            for epoch in range(epochs):
                optimizer.lr = _cosine(0.05, epoch, epochs)
                seen = _shifted(x, rng, kind["most"]) if "most" in kind else x
                train.append(
                    float(np.mean(fit(model, (seen, target), optimizer, 1, BATCH, rng, progress=False).losses))
                )
                if name == "nothing":
                    watched.append(float(cross_entropy(model.forward(validation[0]), validation[1])))
                if name == "nothing" or epoch == epochs - 1:
                    judged.append(_judged(model, test))
            ends = [(name, judged[-1])]
            if name == "nothing":
                stop = _early_stop(watched, patience=5)
                ends.append(("early stopping", judged[stop]))
                found["stopped after"].append(stop + 1)
                found["curves"].append({"train": train, "validation": watched})
                found["train accuracy"].append(accuracy(model, (x, target)))
            for end, (right, loss) in ends:
                found[end]["accuracy"].append(right)
                found[end]["loss"].append(loss)
    return found


def _judged(model: Sequential, data: Examples) -> tuple[float, float]:
    logits = model.forward(data[0])
    return float((logits.argmax(axis=1) == data[1]).mean()), float(cross_entropy(logits, data[1]))


def _early_stop(losses: list[float], patience: int) -> int:
    best = 0
    for epoch, value in enumerate(losses):
        if value < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best


class _LogSoftmax(Layer):
    """Turns the scores into logarithms of probabilities: to maximise one of those is to minimise a loss."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = x
        return log_softmax(x)

    def backward(self, grad: np.ndarray) -> np.ndarray:
        return log_softmax_backward(grad, self._x)


@experiment(
    rtol=0.1, atol=1e-3,
    # Where the loss is flat, rounding decides the way; 0.2 are five of 26 images.
    below={"activation images": FORM, "loss images": FORM, "plain images": FORM, "read": Tolerance(atol=0.2)},
)  # fmt: skip
def images_that_excite() -> Result:
    """For each letter an image that maximises its score, and one that minimises the loss, by the same climb.

    Formula: three starts; a judge without a network, five nearest neighbours among 5,200 real letters, says what it reads
    in each image.
    """
    model, alphabet = trained_letters_network(), list(range(26))
    real, target = _letters(200, 12)
    scores = model.forward(real)[np.arange(len(real)), target]
    objectives: dict[str, tuple[Sequential, dict[str, Any]]] = {
        "activation": (model, {}),
        "loss": (Sequential(*model.layers, _LogSoftmax()), {}),
        "plain": (model, {"l2": 0, "blur": 0, "jitter": 0}),
    }
    found: Result = {"real": {"mean": float(scores.mean()), "max": float(scores.max())}}
    found["judge"] = float((_read_by_neighbours(_letters(10, 13)[0], real, target) == np.repeat(alphabet, 10)).mean())
    for name, (climbed, settings) in objectives.items():
        runs = []
        for seed in range(3):
            images = maximize_activation(climbed, alphabet, (1, 20, 20), _generator(14, seed), steps=300, **settings)
            logits = model.forward(images)
            read = _read_by_neighbours(images, real, target)
            if seed == 0:
                found[f"{name} images"] = _rounded(images[:, 0])
            runs.append(
                {
                    "score": float(np.diag(logits).mean()),
                    "p": float(np.diag(softmax(logits)).mean()),
                    "loss": float(cross_entropy(logits, np.array(alphabet))),
                    "read": float((read == np.array(alphabet)).mean()),
                }
            )
        found[name] = {key: [run[key] for run in runs] for key in runs[0]}
    return found


def _read_by_neighbours(x: np.ndarray, real: np.ndarray, target: np.ndarray, count: int = 5) -> np.ndarray:
    """What the nearest real letters are, pixel by pixel, each image scaled to length 1."""
    flat, known = (
        a.reshape(len(a), -1) / (np.linalg.norm(a.reshape(len(a), -1), axis=1)[:, None] + 1e-9) for a in (x, real)
    )
    nearest = np.argsort(flat @ known.T, axis=1)[:, -count:]
    return np.array([np.bincount(row, minlength=26).argmax() for row in target[nearest]])


@experiment(atol=0.05)
def strokes_and_corners() -> Result:
    """For each unit of the second convolution the 8×8 pixels that excite it most, and the best of real letters."""
    model = trained_letters_network()
    second = 3
    part = Sequential(*model.layers[: second + 1])
    real, _ = _letters(50, 12)
    maps = part.forward(real)
    inside = maps[:, :, 2:8, 2:8]  # fields that lie in the image
    images = maximize_activation(model, [(c, 5, 5) for c in range(16)], (1, 20, 20), _generator(15), second, steps=300)
    reached = part.forward(images)[np.arange(16), np.arange(16), 5, 5]
    wanted, patches, ratios, likeness = images[:, 0, 7:15, 7:15], [], [], []
    for channel in range(16):
        flat = inside[:, channel].reshape(-1)
        n, r, c = np.unravel_index(int(flat.argmax()), inside[:, channel].shape)
        top, left = 2 * (int(r) + 2) - 3, 2 * (int(c) + 2) - 3
        patch = real[n, 0, top : top + 8, left : left + 8]
        patches.append(_rounded(patch))
        ratios.append(float(reached[channel] / flat.max()))
        likeness.append(_correlation(patch, wanted[channel]))
    return {"images": _rounded(wanted), "patches": patches, "ratios": ratios, "likeness": likeness}


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / size if size else 0.0


@experiment(atol=0.05)  # 26 of 520 letters
def shifted_letters() -> Result:
    """Accuracy on small letters moved to the right, after training with shifts of up to one and a half pixels, or four.

    The letters are small enough that no move cuts one off. Three seeds each.
    """
    small: dict[str, Any] = {"scale": (0.5, 0.6), "shear": (-0.25, 0.25)}
    centred = _letters(20, 16, shift=(0.0, 0.0), **small)
    found: Result = {}
    for most in (1.5, 4.0):
        rows = []
        for seed in range(3):
            rng = _generator(17, seed)
            model, optimizer = letters_network(rng), Adam()
            data = _letters(80, 18, seed, shift=(-most, most), **small)
            for epoch in range(6):
                optimizer.lr = _cosine(0.008, epoch, 6)
                fit(model, data, optimizer, 1, BATCH, rng, progress=False)
            rows.append([accuracy(model, (np.roll(centred[0], pixels, axis=3), centred[1])) for pixels in range(6)])
        found[str(most)] = rows
    return found


@experiment(atol=0.01)
def hidden_parts() -> Result:
    """Two photos with a gray square of 48×48 pixels at 12×12 places: what remains of the probability of the best class."""
    model, side, step = photo_network(), 48, 16
    found: Result = {}
    for name in ("cat", "coffee"):
        x = prepare_photo(photo(name))
        whole = softmax(model.forward(x))[0]
        best, corners = int(whole.argmax()), range(0, x.shape[3] - side + 1, step)
        rows = []
        for top in corners:
            hidden = np.repeat(x, len(corners), axis=0)
            for image, left in zip(hidden, corners, strict=True):
                image[:, top : top + side, left : left + side] = 0.5
            rows.append(_rounded(softmax(model.forward(hidden))[:, best], 3))
        found[name] = {"class": best, "whole": float(whole[best]), "left": rows}
    return found
