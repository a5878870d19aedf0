"""Trains the network whose weights come with the package: `python -m guide.makers.letters_network` writes them."""

import numpy as np

from cnnguide.letters_network import WEIGHTS, train_letters_network


def main() -> None:
    model, _ = train_letters_network(np.random.default_rng(0))
    model.save(WEIGHTS)


if __name__ == "__main__":
    main()
