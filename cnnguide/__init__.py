"""How convolutional networks work: the small NumPy package that the guide's every number is computed with.

The names stand in the order in which a reader of the guide meets them.
"""

from cnnguide.convolution import conv2d, conv2d_backward, conv2d_definition
from cnnguide.filters import LAPLACIAN, SOBEL_X, SOBEL_Y, apply_filter
from cnnguide.images import disk
from cnnguide.initializers import fans, he_normal
from cnnguide.optimizers import SGD
from cnnguide.receptive_field import (
    NETWORKS,
    MisalignedError,
    Parallel,
    ReceptiveField,
    Window,
    path_counts,
    receptive_field,
    trace,
)
from cnnguide.shapes import conv_chain, conv_macs, conv_output_size, conv_parameters, format_chain

__version__ = "0.1.0"

__all__ = [
    "LAPLACIAN",
    "NETWORKS",
    "SGD",
    "SOBEL_X",
    "SOBEL_Y",
    "MisalignedError",
    "Parallel",
    "ReceptiveField",
    "Window",
    "apply_filter",
    "conv2d",
    "conv2d_backward",
    "conv2d_definition",
    "conv_chain",
    "conv_macs",
    "conv_output_size",
    "conv_parameters",
    "disk",
    "fans",
    "format_chain",
    "he_normal",
    "path_counts",
    "receptive_field",
    "trace",
]
