"""A sample of `python -m oneshot_hpo.experiments.benchmarks.survival environment`."""

from pathlib import Path

import pytest
from support.throwaway_slurm import ThrowawaySlurm

from oneshot_hpo.experiments.benchmarks.survival.environment import (
    SURROUNDINGS,
    Surroundings,
    found,
    launched,
    tried,
)

SAMPLE = [
    each for each in SURROUNDINGS if "no YAML" in each.kind or each.modules or "strips" in each.kind
]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> object:
    return found(launched(Surroundings("undisturbed"), tmp_path_factory.mktemp("quiet"), "study"))


@pytest.mark.slow
@pytest.mark.parametrize("surroundings", SAMPLE, ids=lambda each: each.kind)
def test_a_launch_in_hostile_surroundings_finds_the_same(
    surroundings: Surroundings, expected: object, tmp_path: Path
) -> None:
    assert tried(surroundings, tmp_path, "study", expected) == ""


@pytest.mark.slow
def test_so_does_one_on_slurm(slurm: ThrowawaySlurm, expected: object, tmp_path: Path) -> None:
    (surroundings,) = [each for each in SURROUNDINGS if each.slurm]
    assert tried(surroundings, tmp_path, "study", expected) == ""
    assert not slurm.jobs("--states=PENDING,RUNNING")
