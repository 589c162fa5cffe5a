"""A search space: chains of three layers, each with one of four operations."""

from oneshot_hpo.search_spaces import Architecture, Choice, EnumerableSpace

OPERATIONS = ("skip", "conv3x3", "conv5x5", "pool")


class ChainSpace(EnumerableSpace):
    name = family = "chain"
    title = "the chains of three layers"
    operations = OPERATIONS
    choices = tuple(Choice(f"layer_{number}", OPERATIONS) for number in (1, 2, 3))
    supernet = "chain_nas.supernet:supernet_of"

    def key(self, architecture: Architecture) -> str:
        """The operations in their order; chains that differ in where they skip are isomorphic."""
        names = [OPERATIONS[place] for (place,) in architecture.picks]
        return "-".join(name for name in names if name != "skip") or "skip"


SPACE = ChainSpace()
