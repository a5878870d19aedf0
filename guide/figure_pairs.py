"""Markdown extension: an image of `figures/` becomes its light and its dark drawing, with the code that draws it.

The page names the light one, `![what it shows](../figures/posts_and_gaps-light.svg)`; its dark twin is added here, and
the size of both, so that nothing jumps while the page loads. An image without an alt text stops the build. Beneath an image
with a caption, its code can be unfolded.
"""

import re
from pathlib import Path
from xml.etree import ElementTree

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from cnnguide.figures import registry
from guide import ROOT

SHOWN = re.compile(
    r"^!\[[^\]]*\]\([^)]*figures/(?P<name>\w+)-light\.svg\)(?:\{[^}\n]*\})?\s*\n\n/// caption\n.*?\n///$", re.M | re.S
)
"""An image of `figures/` with its caption."""


class _ShowCode(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        return SHOWN.sub(self._with_code, "\n".join(lines)).split("\n")

    def _with_code(self, match: re.Match[str]) -> str:
        code = registry.standalone(match["name"])
        # The readers of a search look for what the figure shows, not for its code.
        return f"""{match[0]}

/// details | The code of this figure
    type: figure-code
    attrs: {{data-search-exclude: "true"}}

```python
{code}
```

///"""


class _PairFigures(Treeprocessor):
    def __init__(self, md: Markdown, folder: Path) -> None:
        super().__init__(md)
        self.folder = folder

    def run(self, root: ElementTree.Element) -> None:
        for parent in list(root.iter()):
            for position, image in reversed(list(enumerate(parent))):
                if image.tag == "img":
                    self._check(image)
                    if match := re.search(r"(?:^|/)figures/(?P<name>[^/]+)-light\.svg$", image.get("src", "")):
                        parent.insert(position + 1, self._twin(image, match["name"]))

    def _check(self, image: ElementTree.Element) -> None:
        if not (image.get("alt") or "").strip():
            raise ValueError(
                f"the image {image.get('src')!r} has no alt text; say in its square brackets what it shows"
            )

    def _twin(self, image: ElementTree.Element, name: str) -> ElementTree.Element:
        source = image.get("src", "")
        file = self.folder / f"{name}-light.svg"
        if file.is_file():  # where it is not, MkDocs says so: both images are links that it checks
            for side, length in zip(("width", "height"), _size_in_pixels(file), strict=True):
                image.attrib.setdefault(side, str(length))
        twin = ElementTree.Element("img", {name: value for name, value in image.attrib.items() if name != "id"})
        image.set("src", f"{source}#only-light")
        twin.set("src", source.removesuffix("-light.svg") + "-dark.svg#only-dark")
        twin.tail, image.tail = image.tail, None
        return twin


def _size_in_pixels(svg: Path) -> tuple[int, int]:
    """Width and height of an SVG that is measured in points, of which 72 are 96 pixels."""
    head = svg.read_text("utf-8")[:2000]
    match = re.search(r'<svg[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"', head, re.DOTALL) or re.search(
        r'<svg[^>]*?\bheight="(?P<h>[\d.]+)pt"[^>]*?\bwidth="(?P<w>[\d.]+)pt"', head, re.DOTALL
    )
    if match is None:
        raise ValueError(f"{svg} does not say its width and height in points")
    lengths = (match["w"], match["h"]) if "w" in match.groupdict() else match.groups()
    return round(float(lengths[0]) * 96 / 72), round(float(lengths[1]) * 96 / 72)


class FigurePairsExtension(Extension):
    """Option `folder`: where the figures are drawn."""

    def __init__(self, **options: object) -> None:
        self.config = {"folder": [str(ROOT / "docs/figures"), "folder of the drawn figures"]}
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:
        # Before snippets (32), fences (25) and captions are read.
        md.preprocessors.register(_ShowCode(), "cnnguide-figure-code", 35)
        # After images are parsed (inline, 20), before MkDocs checks and rewrites their links (0).
        md.treeprocessors.register(_PairFigures(md, Path(self.getConfig("folder"))), "cnnguide-figure-pairs", 1)


def makeExtension(**options: object) -> FigurePairsExtension:
    return FigurePairsExtension(**options)
