"""The two kinds of choices in an encoding of a NAS-Bench-101 cell with n blocks."""

from collections.abc import Mapping

from oneshot_hpo.searchers.network.encoding import Encoding, Weight


def parents_in(encoding: Encoding) -> tuple[Mapping[int, Weight], ...]:
    """Sources of the blocks and of the output, with their weights."""
    return encoding.weights[: len(encoding.weights) // 2 + 1]


def operations_in(encoding: Encoding) -> tuple[Mapping[int, Weight], ...]:
    """Operations of the blocks, with their weights."""
    return encoding.weights[len(encoding.weights) // 2 + 1 :]
