"""One look for all figures: two colour schemes, the reader's own font, the same bytes on every run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap


@dataclass(frozen=True)
class Scheme:
    """Colours of one scheme; the grounds of figures are transparent, so `ground` is what the page shows behind them.

    The four series colours differ in lightness too, so that they stay apart for colour-blind readers and in print.
    """

    name: str
    ink: str
    faint: str
    ground: str
    blue: str
    orange: str
    green: str
    purple: str

    @property
    def series(self) -> tuple[str, str, str, str]:
        return (self.blue, self.orange, self.green, self.purple)

    @property
    def intensity(self) -> LinearSegmentedColormap:
        """From the ground (nothing) to blue (much)."""
        return LinearSegmentedColormap.from_list("intensity", [self.ground, self.blue])

    @property
    def signed(self) -> LinearSegmentedColormap:
        """Signed maps: zero is mid-gray, negative dark, positive bright, the same in both schemes."""
        return LinearSegmentedColormap.from_list("signed", ["#000000", "#808080", "#ffffff"])


LIGHT = Scheme("light", "#1f2430", "#c3c8d2", "#ffffff", "#0b5cad", "#c2570c", "#2a7f4f", "#7b3fa0")
DARK = Scheme("dark", "#e3e6ee", "#565c6e", "#1e2129", "#6cb2f5", "#f5a35c", "#76d19b", "#cf9bf0")
SCHEMES = (LIGHT, DARK)


def parameters(scheme: Scheme) -> dict[Any, Any]:  # matplotlib has a type for the names of its settings, of late
    """The settings of matplotlib that make the look."""
    return {
        "svg.hashsalt": "cnnguide",  # otherwise the ids in the file are random
        "svg.fonttype": "none",  # text stays text: searchable, and in the reader's font
        "font.family": "sans-serif",
        "font.size": 13,  # still legible where a phone halves the figure
        "figure.constrained_layout.use": True,
        "savefig.transparent": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": scheme.ink,
        "axes.labelcolor": scheme.ink,
        "axes.titlesize": "medium",
        "axes.prop_cycle": cycler(color=scheme.series),
        "axes.grid": False,
        "grid.color": scheme.faint,
        "text.color": scheme.ink,
        "xtick.color": scheme.ink,
        "ytick.color": scheme.ink,
        "legend.frameon": False,
        "lines.linewidth": 2,
    }


@contextmanager
def use(scheme: Scheme) -> Iterator[None]:
    """Draw in a scheme, from matplotlib's defaults and not from whatever the machine has configured."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(parameters(scheme))
        yield
