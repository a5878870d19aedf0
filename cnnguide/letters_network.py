"""The guide's own network, which reads letters.

With this module, one can take it untrained (`letters_network`), train it anew (`train_letters_network`), or take it with the
weights that come with the package (`trained_letters_network`).

`python -m guide.makers.letters_network` trains it and writes its weights into `data/`.
"""

import numpy as np

from cnnguide.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential
from cnnguide.letters import DATA, TRAINING_FONTS, draw_letters
from cnnguide.optimizers import Adam
from cnnguide.training import History, fit

__all__ = ["letters_network", "train_letters_network", "trained_letters_network"]

WEIGHTS = DATA / "letters_network.npz"


def letters_network(rng: np.random.Generator) -> Sequential:
    """The guide's own network, untrained: two convolutions with poolings, and one layer that decides among 26 letters.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the weights, by `he_normal`.

    Returns
    -------
    Sequential
        Takes images (N, 1, 20, 20) with paper 0 and ink 1, as `draw_letters` draws them, and gives the scores (N, 26) for
        a to z.

    Notes
    -----
    conv 3x3 (8), pool, relu, conv 3x3 (16), pool, relu, linear (26). It is the smallest network of this guide that reads 98
    percent.

    Examples
    --------
    >>> sum(w.size for w in letters_network(np.random.default_rng(0)).parameters())
    11674
    """
    return Sequential(
        Conv2d(1, 8, 3, rng, padding=1), MaxPool2d(2), ReLU(), Conv2d(8, 16, 3, rng, padding=1), MaxPool2d(2), ReLU(),
        Flatten(), Linear(16 * 5 * 5, 26, rng),
    )  # fmt: skip


def train_letters_network(
    rng: np.random.Generator, per_letter: int = 200, epochs: int = 8
) -> tuple[Sequential, History]:
    """Draw letters and train the guide's network on them, in a few seconds on one core.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the letters, the weights and the order of the examples.
    per_letter : int, default 200
        How many images of each letter, at least 1.
    epochs : int, default 8
        How many times training goes through all images.

    Returns
    -------
    model : Sequential
        The trained network, as `letters_network` makes it.
    history : History
        The loss of every step, and the number of epochs.

    Raises
    ------
    ValueError, TypeError
        If `per_letter` is not a positive whole number, or `epochs` is not a whole number.

    Notes
    -----
    `Adam` with mini-batches of 32. In epoch e, counted from 0, the learning rate is 0.008 * (1 + cos(pi * e / epochs)) / 2:
    it falls along half a cosine. The letters are drawn in `TRAINING_FONTS`, with scales from 0.5 to 1 and shears from -0.35
    to 0.35.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), for the cosine.

    Examples
    --------
    >>> model, history = train_letters_network(np.random.default_rng(0), per_letter=4, epochs=1)
    >>> len(history.losses)                     # 104 letters in batches of 32
    4
    """
    data = draw_letters(per_letter, rng, fonts=TRAINING_FONTS, scale=(0.5, 1.0), shear=(-0.35, 0.35))
    model, optimizer, history = letters_network(rng), Adam(), History()
    for epoch in range(epochs):
        optimizer.lr = 0.008 * (1 + np.cos(np.pi * epoch / epochs)) / 2
        history.losses += fit(model, data, optimizer, epochs=1, batch_size=32, rng=rng, progress=False).losses
        history.epochs += 1
    return model, history


def trained_letters_network() -> Sequential:
    """The guide's network with the weights that come with the package.

    Returns
    -------
    Sequential
        The network, with the same input and output as `letters_network`. Each call returns a new one.

    Notes
    -----
    `python -m guide.makers.letters_network` trains the weights and writes `data/letters_network.npz`.

    Examples
    --------
    >>> from cnnguide.training import accuracy
    >>> model = trained_letters_network()
    >>> x, target = draw_letters(4, np.random.default_rng(9), fonts=TRAINING_FONTS)
    >>> accuracy(model, (x, target)) > 0.9
    True
    """
    model = letters_network(np.random.default_rng(0))
    model.load(WEIGHTS)
    return model
