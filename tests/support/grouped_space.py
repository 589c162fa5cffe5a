"""A search space with what NAS-Bench-101's lack: groups, and candidates that are never picked."""

from collections.abc import Mapping
from typing import Any

from oneshot_hpo.search_spaces import Architecture, Choice, EnumerableSpace, InvalidArchitecture

OPERATIONS = ("none", "skip", "conv")


class GroupedSpace(EnumerableSpace):
    """Two nodes of a DARTS cell: each picks two (source, operation) pairs of different sources.

    The operation of the last choice is picked alone.
    """

    name, family, title = "grouped", "grouped", "the grouped space"
    operations = (*OPERATIONS, "left", "right")

    def __init__(self) -> None:
        self.choices = (node(1, 2), node(2, 3), Choice("last", ("left", "right")))

    def key(self, architecture: Architecture) -> str:
        """Sources have no order within a node, which picks show already."""
        return str(architecture.picks)

    def to_document(self, architecture: Architecture) -> dict[str, Any]:
        """The picks."""
        return {"picks": [list(pick) for pick in architecture.picks]}

    def from_document(self, document: Mapping[str, Any]) -> Architecture:
        """Read them."""
        try:
            architecture = Architecture(tuple(tuple(pick) for pick in document["picks"]))
        except (KeyError, TypeError):
            raise InvalidArchitecture(f"{self.title}: no picks in {document}") from None
        self.check(architecture)
        return architecture


def node(number: int, sources: int) -> Choice:
    """A node with this number of possible sources."""
    pairs = [(source, name) for source in range(sources) for name in OPERATIONS]
    return Choice(
        f"node_{number}",
        tuple(f"{source} {name}" for source, name in pairs),
        k=2,
        groups=tuple(source for source, _ in pairs),
        barred=frozenset(place for place, (_, name) in enumerate(pairs) if name == "none"),
    )


SPACE = GroupedSpace()
