"""Sizes and costs in the widgets are the package's, and so are the words with which the impossible is refused."""

import numpy as np
import pytest

import cnnguide

EACH = """(module, [name, cases]) => cases.map((arguments_) => {
    try { return module[name](...arguments_); } catch (error) { return `${error.name}: ${error.message}`; }
})"""
ERRORS = {"ValueError": "RangeError", "TypeError": "TypeError"}


def answer(function, arguments):
    """What the package gives, or how it refuses, in JavaScript's words for errors."""
    try:
        return function(*arguments)
    except (ValueError, TypeError) as error:
        return f"{ERRORS[type(error).__name__]}: {error}"


def paddings(rng):
    return tuple(map(int, rng.integers(0, 5, 2))) if rng.random() < 0.4 else int(rng.integers(0, 5))


def layers(rng, count):
    """Sizes with kernels of all kinds; a part of them does not fit, a part is nonsense."""
    for _ in range(count):
        size, kernel, stride, dilation = (
            int(rng.integers(low, high)) for low, high in ((0, 40), (0, 12), (0, 5), (0, 4))
        )
        yield size, kernel, stride, paddings(rng), dilation


def compared(core, name, function, cases):
    wanted = [answer(function, arguments) for arguments in cases]
    got = core("shapes", EACH, [name, cases])
    for arguments, one, other in zip(cases, got, wanted, strict=True):
        assert one == other, arguments
    return wanted


@pytest.mark.parametrize(
    ("name", "function"),
    [("convOutputSize", cnnguide.conv_output_size), ("convChain", cnnguide.conv_chain)],
)
def test_sizes_and_chains_are_the_packages(core, name, function):
    wanted = compared(core, name, function, list(layers(np.random.default_rng(0), 600)))
    refused = [one for one in wanted if isinstance(one, str)]
    assert len(refused) > 100 and len(wanted) - len(refused) > 100
    for reason in ("what would fit", "must be at least") if name == "convOutputSize" else ("the chain never ends",):
        assert any(reason in one for one in refused)


def test_parameters_are_the_packages(core):
    rng = np.random.default_rng(1)
    cases = [
        (*map(int, rng.integers((0, 0, 0), (20, 20, 8))), int(rng.choice((1, 1, 2, 3))), bool(rng.random() < 0.5))
        for _ in range(300)
    ]
    wanted = compared(core, "convParameters", cnnguide.conv_parameters, cases)
    assert any("must divide" in one for one in wanted if isinstance(one, str))


def test_multiplications_are_the_packages(core):
    rng = np.random.default_rng(2)

    def square(size, inputs, outputs, kernel, stride, padding, dilation, groups):
        both = (padding, padding) if isinstance(padding, tuple) else padding  # the same on both axes
        return cnnguide.conv_macs(size, inputs, outputs, kernel, stride, both, dilation, groups)

    cases = [
        (size, *map(int, rng.integers(1, 9, 2)), *others, int(rng.choice((1, 1, 2))))
        for size, *others in layers(rng, 400)
    ]
    wanted = compared(core, "convMacs", square, cases)
    assert sum(isinstance(one, int) for one in wanted) > 50


def test_chains_are_written_as_the_package_writes_them(core):
    assert core("shapes", "({ convChain, formatChain }) => formatChain(convChain(199))") == cnnguide.format_chain(
        cnnguide.conv_chain(199)
    )
    compared(core, "formatChain", cnnguide.format_chain, [([],), ([7, 5],), ([0],)])


@pytest.mark.parametrize("value", [1.5, "3", None])
def test_what_is_no_whole_number_is_refused(core, value):
    (refusal,) = core("shapes", EACH, ["convOutputSize", [[9, value]]])
    if value is None:
        assert "kernel must be a whole number, got null" in refusal
    else:
        assert refusal.startswith(f"TypeError: kernel must be a whole number, got {value}")
