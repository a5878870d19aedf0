"""The mathematical font that the site serves: a subset of Latin Modern Math with the signs that formulas here need."""

from pathlib import Path

from guide import ROOT

SUBSET = ROOT / "docs/fonts/latin-modern-math-subset.woff2"

SIGNS = (
    "".join(map(chr, range(0x20, 0x7F)))
    + "".join(map(chr, [*range(0x391, 0x3A2), *range(0x3A3, 0x3AA), *range(0x3B1, 0x3CA), 0x3F5]))  # Greek
    + "".join(map(chr, [*range(0x1D434, 0x1D455), *range(0x1D456, 0x1D468)]))  # italic letters; the h is ℎ
    + "".join(map(chr, range(0x1D6FC, 0x1D715)))  # italic Greek
    + "\u00a0\u2009\u2061\u2062ℎℓℝ¯±·×\u0302\u0303\u0304–—…′←↑→↓↦⇒∀∂∃∇∈∏∑−∗√∝∞∥∫∼≈≠≡≤≥≪≫⊂⊕⊗⊙⋅⋮⋯⋱⌈⌉⌊⌋⏞⏟⟨⟩"
)
"""Every sign that a formula may hold; a test compares the formulas of all pages with the font."""


def write_subset(font: Path, target: Path = SUBSET) -> None:
    """Keep of a font what `SIGNS` needs, the table of mathematical constants and the large forms of brackets included."""
    from fontTools import subset  # a part of the test extra: only who makes the font anew needs it

    options = subset.Options(flavor="woff2", layout_features=["*"], hinting=False, desubroutinize=True)
    options.drop_tables += ["FFTM"]
    loaded = subset.load_font(str(font), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=SIGNS)
    subsetter.subset(loaded)
    subset.save_font(loaded, str(target), options)
