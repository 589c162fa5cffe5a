"""Every search space holds the contract that plug-ins are given."""

from support.grouped_space import GroupedSpace

from oneshot_hpo.contracts import SearchSpaceContract
from oneshot_hpo.search_spaces import Architecture, Choice, EnumerableSpace, SearchSpace
from oneshot_hpo.search_spaces.choices import PARENTS


class PlainSpace(EnumerableSpace):
    """What a space has to say of itself, and nothing more."""

    name = family = "plain"
    title = "the plain space"
    operations = ("skip", "conv", "pool")
    choices = (
        Choice("first", operations),
        Choice("parents", ("0", "1", "2"), k=2, kind=PARENTS),
        Choice("settled", ("only",)),
    )

    def key(self, architecture: Architecture) -> str:
        """A skip is a skip, whatever feeds it."""
        first, parents, _ = architecture.picks
        return "skip" if first == (0,) else f"{first} of {parents}"


class TestSpace1(SearchSpaceContract):
    space = 1


class TestSpace2(SearchSpaceContract):
    space = 2


class TestSpace3(SearchSpaceContract):
    space = 3


class TestNasBench201(SearchSpaceContract):
    space = "nasbench201"
    isomorphic = (
        (
            "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|",
            "|none~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|",
        ),
    )
    different = (
        (
            "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|",
            "|none~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|nor_conv_1x1~2|",
        ),
    )


class TestTransNasMicro(SearchSpaceContract):
    space = "transnas-micro"


class TestTransNasMacro(SearchSpaceContract):
    space = "transnas-macro"


class TestDarts(SearchSpaceContract):
    space = "darts"


class TestGrouped(SearchSpaceContract):
    @classmethod
    def load(cls) -> SearchSpace:
        return GroupedSpace()


class TestPlain(SearchSpaceContract):
    isomorphic = (
        (
            '{"first": "skip", "parents": "0,1", "settled": "only"}',
            '{"first": "skip", "parents": "1,2", "settled": "only"}',
        ),
    )

    @classmethod
    def load(cls) -> SearchSpace:
        return PlainSpace()
