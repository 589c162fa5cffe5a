"""Faults of workers and trials that the survival command tries, too."""

from pathlib import Path

import pytest

from oneshot_hpo.experiments.benchmarks.survival.kills import inject
from oneshot_hpo.experiments.benchmarks.survival.lives import Lives
from oneshot_hpo.experiments.benchmarks.survival.pool_sick import FAULTS
from oneshot_hpo.experiments.benchmarks.survival.subjects import CrashesRetried


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[kind for kind, _, _ in FAULTS])
def test_it_is_survived(number: int, tmp_path: Path) -> None:
    _, _, fault = FAULTS[number]
    assert fault(tmp_path) == ""


@pytest.mark.slow
def test_kills_while_crashes_are_run_again_change_nothing(tmp_path: Path) -> None:
    subject = CrashesRetried(Lives(tmp_path), tmp_path)
    for row in inject(subject, 25, lambda what, done, planned: None):
        assert row.tried >= 1
        assert row.survived == row.tried, row.note
