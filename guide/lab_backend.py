"""The matplotlib backend that labs are executed with when the site is built: what they show follows the page's scheme.

A lab draws as everybody does, with matplotlib's own defaults. For the site, this backend replaces those defaults by the
guide's style, and shows each figure as a pair of drawings, a light and a dark one, of which the page hides one. Set
MPLBACKEND to `NAME` before a kernel starts.
"""

import base64
import io

import matplotlib
from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cnnguide.figures.style import DARK, LIGHT, parameters

NAME = f"module://{__name__}"

FigureCanvas = FigureCanvasAgg
FigureManager = FigureManagerBase

# Photos keep their own pixels. A page has no room for the margins of a window.
matplotlib.rcParams.update(parameters(LIGHT) | {"image.interpolation": "none", "font.size": 11})


def show(block: bool | None = None) -> None:
    """What `pyplot.show` calls: display all open figures, and close them."""
    from IPython.display import HTML, display

    for manager in Gcf.get_all_fig_managers():
        display(HTML(as_images(manager.canvas.figure)))  # type: ignore[no-untyped-call]
    Gcf.destroy_all()


def as_images(figure: Figure) -> str:
    """A figure as a light and a dark image; the style sheet shows the one that fits."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    light = dark = buffer.getvalue()
    for role in ("ink", "faint", "blue", "orange", "green", "purple"):
        dark = dark.replace(getattr(LIGHT, role), getattr(DARK, role))
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return "".join(
        f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}#only-{scheme.name}"'
        f' width="{width}" height="{height}">'
        for svg, scheme in ((light, LIGHT), (dark, DARK))
    )
