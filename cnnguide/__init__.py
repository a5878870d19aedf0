"""How convolutional networks work: the small NumPy package that the guide's every number is computed with.

The names are in the order in which the guide introduces them.
"""

# ruff: noqa: I001, RUF022

from cnnguide.filters import SOBEL_X, SOBEL_Y, PREWITT_X, PREWITT_Y, SCHARR_X, SCHARR_Y, LAPLACIAN, LAPLACIAN_8
from cnnguide.filters import BOX, GAUSSIAN, IDENTITY, SHARPEN
from cnnguide.filters import apply_filter, gradient_direction, gradient_magnitude, match_template
from cnnguide.images import PHOTOS, checkerboard, coffee, color_grid, disk, load, luma, photo, ramp, resize, save
from cnnguide.letters import (
    ALPHABET,
    FAMILIES,
    FONTS,
    HELD_OUT_FAMILIES,
    HELD_OUT_FONTS,
    HELD_OUT_STYLES,
    TRAINING_FONTS,
)
from cnnguide.letters import Glyph, Page, draw_letters, draw_page, load_idx, split_letters
from cnnguide.convolution import conv2d, conv2d_backward, conv2d_definition
from cnnguide.pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from cnnguide.pooling import global_avg_pool2d, global_avg_pool2d_backward
from cnnguide.shapes import conv_chain, conv_macs, conv_output_size, conv_parameters, format_chain, pool_output_size
from cnnguide.receptive_field import MisalignedError, Parallel, ReceptiveField, Window
from cnnguide.receptive_field import path_counts, receptive_field, trace
from cnnguide.networks import NETWORKS, Network, network, network_names
from cnnguide.activations import leaky_relu, leaky_relu_backward, relu, relu_backward, sigmoid, sigmoid_backward
from cnnguide.activations import log_softmax, log_softmax_backward, softmax, softmax_backward, tanh, tanh_backward
from cnnguide.activations import gelu, gelu_backward, prelu, prelu_backward, silu, silu_backward
from cnnguide.losses import cross_entropy, cross_entropy_backward, nll_loss, nll_loss_backward
from cnnguide.losses import mse_loss, mse_loss_backward
from cnnguide.initializers import constant, fans, gain, he_normal, he_uniform, lecun_normal, orthogonal
from cnnguide.initializers import xavier_normal, xavier_uniform
from cnnguide.layers import AvgPool2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential, Sigmoid, Tanh
from cnnguide.layers import GELU, BatchNorm2d, Branches, GlobalAvgPool2d, PReLU, Residual, SiLU
from cnnguide.optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp, clip_by_norm, cosine_rate, step_rate
from cnnguide.training import DivergedError, History, accuracy, fit
from cnnguide.letters_network import letters_network, train_letters_network, trained_letters_network
from cnnguide.photo_network import PHOTO_CLASSES, PHOTO_LAYERS, Guess, classify, exciting_images, photo_network
from cnnguide.photo_network import prepare_photo
from cnnguide.feature_visualization import maximize_activation

__version__ = "0.1.0"

__all__ = [
    # channels and kernels
    "SOBEL_X", "SOBEL_Y", "PREWITT_X", "PREWITT_Y", "SCHARR_X", "SCHARR_Y", "LAPLACIAN", "LAPLACIAN_8", "BOX", "GAUSSIAN",
    "IDENTITY", "SHARPEN", "apply_filter", "gradient_magnitude", "gradient_direction", "match_template",
    "coffee", "photo", "PHOTOS", "luma", "color_grid", "load", "save", "resize", "disk", "ramp", "checkerboard",
    "draw_page", "Page", "Glyph", "draw_letters", "split_letters", "ALPHABET", "FONTS", "FAMILIES",
    "TRAINING_FONTS", "HELD_OUT_FONTS", "HELD_OUT_FAMILIES", "HELD_OUT_STYLES", "load_idx",
    "conv2d", "conv2d_definition", "conv2d_backward",
    "max_pool2d", "max_pool2d_backward", "avg_pool2d", "avg_pool2d_backward", "global_avg_pool2d",
    "global_avg_pool2d_backward",
    # sizes and receptive fields
    "conv_output_size", "pool_output_size", "conv_chain", "format_chain", "conv_parameters", "conv_macs",
    "Window", "Parallel", "ReceptiveField", "receptive_field", "trace", "path_counts", "MisalignedError",
    "network", "network_names", "Network", "NETWORKS",
    # initialisation
    "fans", "gain", "lecun_normal", "xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "orthogonal", "constant",
    # training
    "relu", "relu_backward", "leaky_relu", "leaky_relu_backward", "sigmoid", "sigmoid_backward", "tanh", "tanh_backward",
    "prelu", "prelu_backward", "gelu", "gelu_backward", "silu", "silu_backward",
    "softmax", "softmax_backward", "log_softmax", "log_softmax_backward", "nll_loss", "nll_loss_backward",
    "cross_entropy", "cross_entropy_backward", "mse_loss", "mse_loss_backward",
    "Conv2d", "Linear", "MaxPool2d", "AvgPool2d", "ReLU", "Tanh", "Sigmoid", "Flatten", "Dropout", "Sequential",
    "GlobalAvgPool2d", "BatchNorm2d", "Branches", "Residual", "PReLU", "GELU", "SiLU",
    "SGD", "AdaGrad", "RMSProp", "Adam", "AdamW", "clip_by_norm", "cosine_rate", "step_rate",
    "fit", "History", "accuracy", "DivergedError",
    "letters_network", "train_letters_network", "trained_letters_network", "maximize_activation",
    # a published network
    "photo_network", "prepare_photo", "classify", "exciting_images", "Guess", "PHOTO_CLASSES", "PHOTO_LAYERS",
]  # fmt: skip
