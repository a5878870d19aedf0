"""Checks of arguments: every function here returns its argument in a form to compute with, or raises.

A message begins with the name of the argument, says what was given, and, where possible, what would fit: TypeError for the
wrong kind of thing, ValueError for the right kind with a wrong value. This module imports nothing of the package.

Which numbers an array may hold is decided in one place, `as_floats`, for all operations alike: float32 and float64 are
computed in their own type, and all other real numbers (whole numbers, booleans, float16, long doubles) in float64. So no
difference wraps around, and nothing is added up in a narrow type.
"""

import difflib
import math
import numbers
import operator
from collections.abc import Iterable

import numpy as np

WIDE = (np.float32, np.float64)
"""The types in which everything is computed and weights are kept."""


def check_int(name: str, value: object, least: int) -> int:
    """Return `value` as an int of at least `least`.

    >>> check_int("stride", 2, least=1)
    2
    >>> check_int("stride", 0, least=1)
    Traceback (most recent call last):
    ...
    ValueError: stride must be at least 1, got 0
    """
    if isinstance(value, bool | np.bool_):  # NumPy below 2 takes its own for 0 and 1
        raise TypeError(f"{name} must be a whole number, got {value!r} ({type(value).__name__})")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r} ({type(value).__name__})") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def check_pair(name: str, value: object) -> tuple[object, object]:
    """Return a quantity of an image as (height, width); the two entries are still to be checked.

    >>> check_pair("kernel", 3), check_pair("kernel", (1, 7))
    ((3, 3), (1, 7))
    """
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise ValueError(f"{name} must be one number or (height, width), got {value!r}")
        return value[0], value[1]
    return value, value


def check_int_pair(name: str, value: object, least: int) -> tuple[int, int]:
    """Return a quantity of an image as (height, width), two ints of at least `least`.

    >>> check_int_pair("stride", 2, least=1)
    (2, 2)
    """
    height, width = check_pair(name, value)
    return check_int(name, height, least), check_int(name, width, least)


def check_stride(stride: object) -> int:
    """Return a stride, of at least 1; what enlarges an image has a smaller one and is refused by its name.

    >>> check_stride(2)
    2
    """
    if isinstance(stride, numbers.Real) and 0 < float(stride) < 1:
        raise TypeError(
            f"stride {stride} is not supported: transposed convolutions and upsampling, which enlarge an image by strides "
            "below 1, are not computed here; a stride is a whole number of at least 1"
        )
    return check_int("stride", stride, 1)


def check_stride_pair(stride: object) -> tuple[int, int]:
    """Return the strides of an image as (height, width).

    >>> check_stride_pair((1, 2))
    (1, 2)
    """
    height, width = check_pair("stride", stride)
    return check_stride(height), check_stride(width)


def check_axis_padding(padding: object, name: str = "padding") -> tuple[int, int]:
    """Return the padding of one axis as (before, after).

    >>> check_axis_padding(1), check_axis_padding((0, 1))
    ((1, 1), (0, 1))
    """
    if isinstance(padding, tuple | list):
        if len(padding) != 2:
            raise ValueError(f"{name} must be one number or (before, after), got {padding!r}")
        before, after = padding
        return check_int(f"{name} before", before, 0), check_int(f"{name} after", after, 0)
    number = check_int(name, padding, 0)
    return number, number


def check_image_padding(
    padding: object, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the padding of an image as ((top, bottom), (left, right)); for "same", what keeps its size.

    >>> check_image_padding((1, (0, 2)), (3, 3), (1, 1), (1, 1)), check_image_padding("same", (3, 2), (1, 1), (1, 1))
    (((1, 1), (0, 2)), ((1, 1), (0, 1)))
    """
    if not isinstance(padding, str):  # asked first, because an array would be compared with a text entry by entry
        vertical_sides, horizontal_sides = check_pair("padding", padding)
        return check_axis_padding(vertical_sides), check_axis_padding(horizontal_sides)
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        raise ValueError(f'padding must be numbers, "same" or "valid"; got {padding!r}')
    if stride != (1, 1):
        raise ValueError(f'padding "same" keeps the size, which stride {stride} cannot; give the padding in numbers')
    vertical, horizontal = (d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
    return (vertical // 2, vertical - vertical // 2), (horizontal // 2, horizontal - horizontal // 2)


def check_number(name: str, value: float, least: float = 0.0) -> float:
    """Return a finite number of at least `least`.

    >>> check_number("lr", float("nan"))
    Traceback (most recent call last):
    ...
    ValueError: lr must be at least 0 and finite, got nan
    """
    if not least <= value < math.inf:
        raise ValueError(f"{name} must be at least {least:g} and finite, got {value}")
    return value


def check_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value`, which is one of a few names, or suggest the nearest of them.

    >>> check_choice("border", "reflct", ["reflect", "mirror"])
    Traceback (most recent call last):
    ...
    ValueError: border must be one of reflect, mirror; got 'reflct', did you mean 'reflect'?
    """
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    near = difflib.get_close_matches(str(value).lower().replace("-", "_"), known, n=1)
    hint = f", did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}{hint}")


def check_real(name: str, array: object) -> np.ndarray:
    """Return `array`, or what NumPy makes of it, whose entries are real numbers."""
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}")
    return array


def as_floats(name: str, array: object) -> np.ndarray:
    """Return real numbers in a type to compute with: float32 and float64 as they are, everything else in float64.

    >>> [str(as_floats("x", np.ones(2, dtype)).dtype) for dtype in ("float32", "float16", "uint8")]
    ['float32', 'float64', 'float64']
    """
    array = check_real(name, array)
    return array if array.dtype in WIDE else array.astype(np.float64)


def check_nchw(name: str, array: object, axes: str = "(N, C, H, W)") -> np.ndarray:
    """Return a batch of images or kernels, with four axes, in floats; `axes` says in the message what they are."""
    array = as_floats(name, array)
    if array.ndim != 4:
        raise ValueError(f"{name} must be {axes}, got shape {array.shape}")
    return array


def check_gradient(grad: object, shape: tuple[int, ...]) -> np.ndarray:
    """Return the gradient for an output of this shape, in floats; NumPy would stretch another shape without a word."""
    grad = as_floats("grad", grad)
    if grad.shape != shape:
        raise ValueError(f"grad must have the shape of the output, {shape}; got {grad.shape}")
    return grad


def check_classes(shape: tuple[int, ...], target: np.ndarray, ignored: np.ndarray | None = None) -> None:
    """Refuse targets that are not class numbers for scores of this shape; those where `ignored` is True may be anything."""
    if len(shape) < 2 or target.shape != shape[:1] + shape[2:]:
        raise ValueError(
            f"scores must be (N, classes) and target (N,), or (N, classes, d1, ...) and (N, d1, ...), got {shape} and "
            f"{target.shape}; target holds class numbers, not one-hot rows"
        )
    if not np.issubdtype(target.dtype, np.integer):
        raise TypeError(f"target must hold whole numbers, got {target.dtype}")
    wrong = (target < 0) | (target >= shape[1])
    if ignored is not None:
        wrong &= ~ignored
    if wrong.any():
        raise ValueError(
            f"target {target[wrong][0]} is not a class number: there are {shape[1]} classes, from 0 to {shape[1] - 1}"
        )


def check_generator(rng: object) -> np.random.Generator:
    """Return `rng`, a generator: a seed alone would give the same numbers at every call."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a generator such as numpy.random.default_rng(0), got {rng!r} ({type(rng).__name__})"
        )
    return rng


def check_dtype(dtype: type) -> np.dtype:
    """Return the type in which weights are kept: float32 or float64, because steps add small numbers to them."""
    if np.dtype(dtype) not in WIDE:
        raise TypeError(f"dtype must be float32 or float64, got {np.dtype(dtype)}")
    return np.dtype(dtype)


def error_at(place: str, error: ValueError | TypeError) -> ValueError | TypeError:
    """The same error, saying where it happened; a plain one, because NumPy's own kinds cannot be made from a text."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{place}: {error}")
