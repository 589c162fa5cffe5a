"""What people call the operations of all search spaces, on pages and in figures."""

from __future__ import annotations

_NAMES = {
    "conv3x3-bn-relu": "conv 3×3",
    "conv1x1-bn-relu": "conv 1×1",
    "maxpool3x3": "max pool",
    "nor_conv_3x3": "conv 3×3",
    "nor_conv_1x1": "conv 1×1",
    "avg_pool_3x3": "avg pool",
    "max_pool_3x3": "max pool",
    "skip_connect": "skip",
    "sep_conv_3x3": "sep 3×3",
    "sep_conv_5x5": "sep 5×5",
    "dil_conv_3x3": "dil 3×3",
    "dil_conv_5x5": "dil 5×5",
}


def called(operation: str) -> str:
    """A short name for an operation of any space: ten letters at most where it is a known one."""
    return _NAMES.get(operation, operation.replace("_", " "))
