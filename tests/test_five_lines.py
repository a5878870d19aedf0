"""The page "In five lines": its PyTorch tabs give what its own blocks give."""

import re

import numpy as np
import pytest

from guide import page_parser
from tests.conftest import ROOT

PAGE = ROOT / "docs/five_lines.md"
TWINS = ROOT / "docs/snippets/pytorch_twins.py"


@pytest.fixture(scope="module")
def ours():
    session = {}
    for block in page_parser.read(PAGE.read_text("utf-8"), PAGE.name).parts:
        if isinstance(block, page_parser.Block):
            source = "\n".join(
                line[4:] if line.startswith((">>> ", "... ")) else ""
                for line in block.source.splitlines()
                if line.startswith((">>>", "..."))
            )
            exec(source if block.language == "pycon" else block.source, session)
    return session


@pytest.fixture(scope="module")
def theirs(torch):
    """What the PyTorch tabs leave behind, each pasted into a session of its own."""
    torch.manual_seed(0)
    sections = re.findall(r"\[start:(\w+)\]\n(.*?)# --8<-- \[end:\1\]", TWINS.read_text("utf-8"), re.DOTALL)
    assert len(sections) == 5
    left = {}
    for name, source in sections:
        session = {}
        exec(compile(source, name, "exec"), session)
        left |= session
    return left


@pytest.mark.parametrize("name", ["size", "parameters"])
def test_numbers_agree(ours, theirs, name):
    assert ours[name] == theirs[name]


def test_receptive_fields_agree(ours, theirs):
    assert ours["field"].size == theirs["field"]


def test_filtered_photos_agree(ours, theirs):
    np.testing.assert_allclose(ours["edges"], theirs["edges"].numpy(), atol=1e-5)


def test_initialised_layers_agree(ours, theirs):
    weight = theirs["mine"].weight.detach().numpy()
    assert ours["mine"].weight.shape == weight.shape
    assert ours["mine"].weight.std() == pytest.approx(weight.std(), rel=0.02)
    assert not ours["mine"].bias.any() and not theirs["mine"].bias.detach().numpy().any()


def test_every_snippet_has_both_tabs_and_is_short():
    text = PAGE.read_text("utf-8")
    assert (
        text.count('=== "cnnguide"')
        == text.count('=== "PyTorch"')
        == text.count("docs/snippets/pytorch_twins.py:")
        == 5
    )
