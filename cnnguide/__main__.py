"""The guide's arithmetic for people who do not want to write Python: `python -m cnnguide --help`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnnguide import __version__, filters
from cnnguide.filters import SOBEL_X, apply_filter, gradient_magnitude
from cnnguide.images import load, luma, save
from cnnguide.networks import NETWORKS
from cnnguide.receptive_field import receptive_field
from cnnguide.shapes import conv_chain, format_chain

KERNELS = {
    name.lower().replace("_", "-"): getattr(filters, name) for name in filters.__all__ if name.isupper()
}  # "sobel-x" for SOBEL_X

LARGEST_SIZE = 1_000_000
"""Of an image whose sizes are listed: the list is as long, and nobody reads one that is longer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 after an error about the values. Malformed commands exit with 2, as argparse does."""
    options = _parser().parse_args(arguments)
    try:
        print(options.run(options), flush=True)  # not sys.stdout.flush: where it is closed from the start, it is None
    except BrokenPipeError:  # as of `cnnguide sizes 999 | head -c 20`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
    except (ValueError, OSError, ImportError) as error:
        print(f"cnnguide {options.command}: {_explained(error)}", file=sys.stderr)
        return 1
    return 0


def _explained(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cnnguide", description="Arithmetic of convolutional networks.")
    parser.add_argument("--version", action="version", version=f"cnnguide {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    sizes = commands.add_parser("sizes", help="the sizes that repeated convolution leaves of an image")
    sizes.add_argument("size", type=int, help="the image's length in pixels")
    sizes.add_argument("--kernel", type=int, default=3, help="the kernel's length (default: %(default)s)")
    sizes.add_argument("--stride", type=int, default=1, help="pixels from window to window (default: %(default)s)")
    sizes.add_argument("--padding", type=int, default=0, help="pixels added on each side (default: %(default)s)")
    sizes.add_argument("--dilation", type=int, default=1, help="pixels from tap to tap (default: %(default)s)")
    sizes.set_defaults(run=_sizes)

    field = commands.add_parser("receptive-field", help="how much of the image one output of a network sees")
    field.add_argument("network", choices=NETWORKS, metavar="network", help=", ".join(NETWORKS))
    field.set_defaults(run=_receptive_field)

    filtering = commands.add_parser("filter", help="slide a kernel over a photo and write the answers as a picture")
    filtering.add_argument("photo", type=Path, help="a PNG, a JPEG or whatever else Pillow reads")
    filtering.add_argument(
        "--kernel", choices=[*KERNELS, "steepness"], required=True, metavar="NAME",
        help=f"{', '.join(KERNELS)}, or steepness, which is the length of Sobel's gradient",
    )  # fmt: skip
    filtering.add_argument(
        "-o", "--output", type=Path, required=True, help="the picture to write, for example edges.png"
    )
    filtering.set_defaults(run=_filter)
    return parser


def _sizes(options: argparse.Namespace) -> str:
    if options.size > LARGEST_SIZE:
        raise ValueError(f"size must be at most {LARGEST_SIZE}, got {options.size}: the list would be too long")
    chain = conv_chain(options.size, options.kernel, options.stride, options.padding, options.dilation)
    last = chain[-1]
    rest = f"\n{last}x{last} remains: the next window does not fit" if last > 1 else ""
    return f"{format_chain(chain)}\nconvolutions: {len(chain) - 1}{rest}"


def _receptive_field(options: argparse.Namespace) -> str:
    field = receptive_field(NETWORKS[options.network])
    return f"size: {field.size}\nstride: {field.stride}\npadding: {field.padding}"


def _filter(options: argparse.Namespace) -> str:
    gray = luma(load(options.photo))
    if options.output.exists() and options.output.samefile(options.photo):
        raise ValueError(f"{options.output} is the photo itself; name another file to write")
    is_steepness = options.kernel == "steepness"
    kernel = SOBEL_X if is_steepness else KERNELS[options.kernel]
    answers = gradient_magnitude(gray) if is_steepness else apply_filter(gray, kernel)
    largest = float(abs(answers).max())
    if largest <= np.finfo(gray.dtype).eps * abs(kernel).sum() * gray.max():  # rounding: do not stretch it to an image
        answers, largest = np.zeros_like(answers), 1.0
    if is_steepness:
        picture, legend = answers / largest, f"black is 0, white is {largest:.3g}"
    elif kernel.sum() == 0:  # answers of both signs
        picture, legend = (
            0.5 + answers / (2 * largest),
            f"mid-grey is 0, black is {-largest:.3g}, white is {largest:.3g}",
        )
    else:
        picture, legend = answers, "as bright as the photo"
    save(options.output, picture)
    return f"{options.output}: {picture.shape[1]} x {picture.shape[0]} pixels, {legend}"


if __name__ == "__main__":
    sys.exit(main())
