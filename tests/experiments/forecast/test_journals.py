"""A pace from journals, and measured."""

import math
from pathlib import Path
from statistics import NormalDist

import pytest
from support.page_study import make_study

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.conditions import GIVEN_SPREAD
from oneshot_hpo.experiments.forecast.journals import difference, pace_of
from oneshot_hpo.experiments.forecast.measuring import _basis, _spread, measured_pace
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Study, TrialResult


def told(folder: Path, study_file: Path, epoch: float, beside: float) -> OpenedStudy:
    """A finished study: its first trial crashes, the others take this long."""
    with make_study(folder, study_file) as study:
        while (trial := study.ask()) is not None:
            study.tell(trial, _result(study, epoch * trial.budget, beside))
    return OpenedStudy(folder)


def _result(study: Study, seconds: float, beside: float) -> TrialResult:
    if not study.evaluations:
        return TrialResult(None, exception="diverged")
    begun = study.times.created + 5.0
    times = {"started": begun, "finished": begun + seconds + beside, "search_seconds": seconds}
    return TrialResult(0.5, timestamps=times)


def test_a_pace_is_that_of_studies_that_search_alike(tmp_path: Path, tiny_study: Path) -> None:
    spec = load_study(str(tiny_study))
    slow = told(tmp_path / "slow", tiny_study, 8.0, 3.0)
    quick = told(tmp_path / "quick", tiny_study, 2.0, 3.0)
    pace = pace_of([slow], spec)
    assert pace.epoch_seconds == pytest.approx(8.0)
    assert pace.trial_seconds == pytest.approx(3.0)
    assert pace.start_seconds == pytest.approx(5.0)
    assert pace.crash_share == pytest.approx(1 / 6)
    assert pace.trial_spread == pytest.approx(0.0, abs=1e-9)
    assert f"5 trials of {slow.folder} on " in pace.basis
    both = pace_of([slow, quick], spec)
    assert both.epoch_seconds == pytest.approx(4.0)
    assert both.spread > 5 * pace.spread

    quick.view.header["machine"]["gpus"] = ["another"]
    assert pace_of([slow, quick], spec) == pace
    other = load_study(str(tiny_study), ["searcher=gdas"])
    with pytest.raises(UserError, match="it has another searcher"):
        pace_of([slow, quick], other)
    wider = load_study(str(tiny_study), ["search.channels=4"])
    assert difference(slow.spec, wider) == "search.channels"


def test_a_study_without_results_has_no_pace(tmp_path: Path, tiny_study: Path) -> None:
    make_study(tmp_path / "new", tiny_study).close()
    with pytest.raises(UserError, match="no trial has finished there"):
        pace_of([OpenedStudy(tmp_path / "new")], load_study(str(tiny_study)))


@pytest.mark.slow
def test_a_pace_is_measured_on_the_studys_own_workers(tiny_study: Path) -> None:
    spec = freeze(complete(load_study(str(tiny_study), ["workers=1"]), "tiny"))
    pace = measured_pace(spec)
    assert 0 < pace.epoch_seconds < 60
    assert pace.start_seconds > 0
    assert pace.load_seconds >= 0
    assert pace.spread >= GIVEN_SPREAD
    assert "a search of 1 epoch on this machine, on 1 worker" in pace.basis


def test_a_pace_of_waiting_workers_is_less_certain() -> None:
    assert _spread(0.0) == GIVEN_SPREAD
    # Half of the time waited: a twentieth of the simulations are twice as quick or quicker.
    low = math.exp(NormalDist().inv_cdf(0.05) * _spread(0.5))
    assert low == pytest.approx(0.5, abs=0.02)
    assert _basis(2, 1, 0.0) == "a search of 2 epochs on this machine, on 1 worker"
    assert "wait for a processor in 50 % of the time" in _basis(2, 3, 0.5)
