"""Settings check themselves: each value is of its kind, or refused by name."""

from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np
import pytest

from oneshot_hpo.checks import TRUTH, check_settings, number, one_of, optional, setting, whole
from oneshot_hpo.cluster.slurm.settings import SlurmSettings
from oneshot_hpo.hpo import OptimizerSettings
from oneshot_hpo.hpo.baselines import reinforce, smac, tpe
from oneshot_hpo.hpo.baselines.regularized_evolution import RegularizedEvolutionSettings
from oneshot_hpo.searchers import own_settings
from oneshot_hpo.searchers.settings import SearchSettings


class Refused(Exception):
    """A setting's name and its fault."""


@dataclass(frozen=True, kw_only=True)
class Mine:
    steps: int = setting(MISSING, whole(1, 1_000_000))
    rate: float = setting(0.5, number(above=0, keep=float))
    share: float = setting(1 / 3, number(low=0, below=1))
    name: str = setting("a", one_of("a", "b"))
    points: int | None = setting(None, optional(whole(0), "as many as there are"))
    shown: bool = setting(True, TRUTH)

    def __post_init__(self) -> None:
        check_settings(self, Refused)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"steps": 0}, "must be a whole number from 1 to 1,000,000, not 0"),
        ({"steps": True}, "must be a whole number from 1 to 1,000,000, not True"),
        ({"steps": 2.0}, "must be a whole number from 1 to 1,000,000, not 2.0"),
        ({"rate": 0}, "must be a number above 0, not 0"),
        ({"rate": float("inf")}, "must be a number above 0, not inf"),
        ({"rate": 10**400}, f"must be a number above 0, not {10**400}"),
        ({"share": 1}, "must be a number in [0, 1), not 1"),
        ({"share": float("nan")}, "must be a number in [0, 1), not nan"),
        ({"share": "1"}, "must be a number in [0, 1), not '1'"),
        ({"name": ["a"]}, "must be one of a, b, not ['a']"),
        ({"points": -1}, "must be a whole number from 0, or null for as many as there are, not -1"),
        ({"shown": 1}, "must be true or false, not 1"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(Refused) as refused:
        Mine(**{"steps": 1} | changes)
    assert refused.value.args == (next(iter(changes)), fault)


def test_values_are_kept_as_plain_types() -> None:
    mine = Mine(steps=np.int32(3), rate=np.float32(0.5), points=np.uint8(2))
    assert [type(value) for value in (mine.steps, mine.rate, mine.points)] == [int, float, int]
    assert (type(Mine(steps=1, rate=1).rate), type(Mine(steps=1, share=0).share)) == (float, int)


OWN = [
    kind
    for kind in vars(own_settings).values()
    if isinstance(kind, type) and issubclass(kind, SearchSettings)
]


@pytest.mark.parametrize(
    "settings",
    [
        *(OptimizerSettings, SlurmSettings, tpe.TPESettings, smac.SMACSettings),
        *(reinforce.ReinforceSettings, RegularizedEvolutionSettings, *OWN),
    ],
)
def test_each_setting_says_what_it_may_be(settings: type) -> None:
    assert [one.name for one in fields(settings) if "kind" not in one.metadata] == []
