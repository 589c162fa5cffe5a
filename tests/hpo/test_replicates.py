"""Replicates: fresh seeds of the best configurations, which change no decision by default."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.toy_study import create, decisions, drive, toy_result

from oneshot_hpo import hpo
from oneshot_hpo.hpo.bohb.generator import VectorisedKDEGenerator
from oneshot_hpo.hpo.errors import InvalidEvent
from oneshot_hpo.hpo.randomness import confirmation_seed
from oneshot_hpo.hpo.verify import differences


def replicate_result(replicate: hpo.Replicate) -> hpo.TrialResult:
    """Depends on the replicate alone; one in ten crashes."""
    rng = np.random.default_rng([replicate.seed, *replicate.id[1:], replicate.id[0] + 1])
    if rng.random() < 0.1:
        return hpo.TrialResult(None, exception="ArithmeticError: diverged")
    return hpo.TrialResult(float(rng.random()))


def drive_with_replicates(study: hpo.Study) -> None:
    """After every third result one replicate runs to its end, and one stays pending."""
    count = len(study.evaluations)
    while True:
        if study.pending:
            trial = study.pending[0]
        elif (asked := study.ask()) is not None:
            trial = asked
        else:
            return
        study.tell(trial, toy_result(trial))
        count += 1
        if count % 3 == 0:
            replicate = study.replicate()
            if replicate is not None:
                study.tell_replicate(replicate, replicate_result(replicate))
            if count % 9 == 0:
                study.replicate()


def of_search(folder: Path) -> list[dict[str, Any]]:
    return [event for event in decisions(folder)[1:] if not event["event"].startswith("replicate")]


@pytest.mark.slow
def test_they_change_no_decision(tmp_path: Path) -> None:
    with create(tmp_path / "without") as study:
        drive(study)
        assert study.replicate() is None  # by default there are none
    with create(tmp_path / "with", replicates="report") as study:
        drive_with_replicates(study)
        assert len(study.replicates) > 5
        assert study.pending_replicates
        assert study.finished
    assert of_search(tmp_path / "with") == of_search(tmp_path / "without")
    assert differences(tmp_path / "with") == []
    view = hpo.read_study(tmp_path / "with")
    assert view.replicates == study.replicates
    assert view.incumbent == study.incumbent


def finish(study: hpo.Study, losses: dict[int, float]) -> list[hpo.Trial]:
    """Run a study of single evaluations; the n-th trial has losses[n], else 0.9."""
    trials = []
    while (trial := study.ask()) is not None:
        study.tell(trial, hpo.TrialResult(losses.get(len(trials), 0.9)))
        trials.append(trial)
    return trials


def test_the_best_four_and_the_default_take_turns(tmp_path: Path) -> None:
    settings = {"min_budget": 4, "replicates": "report", "iterations": 9}
    with create(tmp_path, **settings) as study:
        assert study.replicate() is None  # nothing has finished yet
        trials = finish(study, {0: 0.5, 2: 0.3, 4: 0.1, 5: 0.2, 7: 0.4, 8: 0.6})
        started = []
        for _ in range(10):
            replicate = study.replicate()
            assert replicate is not None
            started.append((trials.index(study_trial(trials, replicate)), replicate.number))
            assert replicate.seed == confirmation_seed(3, replicate.number - 1)
        assert started == [(n, k) for k in (1, 2) for n in (4, 0, 5, 2, 7)]
        assert replicate.key == "6-0-0/4/2"


def study_trial(trials: list[hpo.Trial], replicate: hpo.Replicate) -> hpo.Trial:
    return next(trial for trial in trials if trial.id == replicate.id)


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["report", "model"])
def test_a_study_killed_at_any_event_decides_the_same(tmp_path: Path, setting: str) -> None:
    whole = tmp_path / "whole"
    with create(whole, replicates=setting) as study:
        drive_with_replicates(study)
    assert differences(whole) == []
    lines = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    rest = decisions(whole)

    for end in range(1, len(lines), 11):
        cut = tmp_path / f"cut-{end}"
        cut.mkdir()
        (cut / "journal.jsonl").write_bytes(b"".join(lines[:end]))
        with hpo.Study.open(cut) as study:
            for event in rest[end:]:
                repeat(study, event)
        assert decisions(cut) == rest


def repeat(study: hpo.Study, event: dict[str, Any]) -> None:
    """Make a study record this event, by the method that does."""
    if event["event"] == "ask":
        assert study.ask() is not None
    elif event["event"] == "replicate":
        assert study.replicate() is not None
    elif event["event"] == "tell":
        key = event["id"], event["budget"]
        trial = next(one for one in study.pending if (list(one.id), one.budget) == key)
        study.tell(trial, toy_result(trial))
    else:
        key = event["id"], event["budget"], event["number"]
        replicate = next(
            one for one in study.pending_replicates if (list(one.id), one.budget, one.number) == key
        )
        study.tell_replicate(replicate, replicate_result(replicate))


def test_the_model_gets_the_mean_where_the_settings_say_so(tmp_path: Path) -> None:
    for setting, expected in (("report", 0.1), ("model", 0.4)):
        folder = tmp_path / setting
        with create(folder, min_budget=4, iterations=3, replicates=setting) as study:
            trials = finish(study, {1: 0.1})
            for loss in (0.5, None, 0.6):
                replicate = next_of(study, trials[1])
                study.tell_replicate(replicate, hpo.TrialResult(loss))
            generator = study._master.config_generator
            assert isinstance(generator, VectorisedKDEGenerator)
            model = generator._observations[4]
            model.merge_new(generator.encoding)
            assert len(model.losses) == len(trials)
            assert model.losses.min() == pytest.approx(expected)


def next_of(study: hpo.Study, trial: hpo.Trial) -> hpo.Replicate:
    """The next replicate of a trial; others that come before it stay pending."""
    while True:
        replicate = study.replicate()
        assert replicate is not None
        if replicate.id == trial.id:
            return replicate


@pytest.mark.slow
@pytest.mark.parametrize("incumbent", ["validation", "posterior"])
def test_the_incumbent_may_go_by_posterior_mean(tmp_path: Path, incumbent: str) -> None:
    """One lucky configuration, whose replicates are bad, and one that stays good."""
    settings = {"min_budget": 4, "iterations": 9, "replicates": "report", "incumbent": incumbent}
    with create(tmp_path, **settings) as study:
        trials = finish(study, {3: 0.10, 6: 0.12})
        assert study.incumbent is not None
        assert study.incumbent[0] == trials[3]
        fresh = {trials[3].id: 0.30, trials[6].id: 0.13}
        for n in range(15):
            replicate = study.replicate()
            assert replicate is not None
            loss = fresh.get(replicate.id, 0.9) + 0.01 * (n % 2)
            study.tell_replicate(replicate, hpo.TrialResult(loss))
        expected = trials[6 if incumbent == "posterior" else 3]
        assert study.incumbent[0] == expected
    view = hpo.read_study(tmp_path)
    assert view.incumbent is not None
    assert view.incumbent[0] == expected


def test_a_journal_with_an_impossible_replicate_is_refused(tmp_path: Path) -> None:
    with create(tmp_path / "study", min_budget=4, iterations=3, replicates="report") as study:
        finish(study, {})
        study.replicate()
    events = decisions(tmp_path / "study")
    assert (
        events[-1]
        == {
            "event": "replicate",
            "format": 6,
            "id": [-1, 0, 0],
            "budget": 4,
            "number": 1,
        }
        or events[-1]["number"] == 1
    )
    state = hpo.read_study(tmp_path / "study")._state
    with pytest.raises(InvalidEvent, match="number is 7"):
        state.replicate({"id": [-1, 0, 0], "budget": 4, "number": 7})
    with pytest.raises(InvalidEvent, match="has not finished"):
        state.replicate({"id": [8, 0, 0], "budget": 4, "number": 1})
    with pytest.raises(InvalidEvent, match="no replicate 9"):
        state.pending_replicate(((-1, 0, 0), 4, 9))


def test_the_model_of_hpbandsters_generator_cannot_use_them(tmp_path: Path) -> None:
    with pytest.raises(hpo.InvalidSettings, match="replicates must be none or report"):
        create(tmp_path, replicates="model", generator="hpbandster")
