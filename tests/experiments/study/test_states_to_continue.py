"""Promoted trials that go on: what a worker leaves, what the master keeps, whole studies."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest
from support.made_study import new_study
from support.study_commands import decisions, events, refused, run, started
from support.waiting import wait_until

from oneshot_hpo.experiments.check.checking import mend, verify
from oneshot_hpo.experiments.study.states_to_continue import StatesToContinue
from oneshot_hpo.experiments.study.trial import TrialTask, run_trial
from oneshot_hpo.hpo import BASELINE_ID, Study, Trial, TrialResult
from oneshot_hpo.searchers import SearchSettings
from oneshot_hpo.searchers.checkpoint import TO_CONTINUE, read_metrics

SETTINGS = SearchSettings(channels=2, stacks=2, cells_per_stack=1, batch_size=128, cutout_length=4)


@pytest.fixture
def task(tmp_path: Path, table_file: str) -> TrialTask:
    return TrialTask(
        searcher="darts",
        settings=dataclasses.asdict(SETTINGS),
        config={},
        space=1,
        dataset="digits",
        table=table_file,
        budget=2,
        seed=5,
        schedule=2,
        folder=tmp_path / "0-0-0" / "2",
        is_promotable=True,
    )


@pytest.mark.slow
def test_a_promoted_trial_ends_as_one_that_begins_from_nothing(
    task: TrialTask, tmp_path: Path
) -> None:
    below = dataclasses.replace(task, budget=1, folder=tmp_path / "0-0-0" / "1")
    first = run_trial(below)
    assert below.folder is not None
    assert (below.folder / TO_CONTINUE).exists()
    assert "continued_from" not in first["info"]

    promoted = run_trial(dataclasses.replace(task, start=below.folder))
    alone = run_trial(dataclasses.replace(task, folder=tmp_path / "alone"))
    assert promoted["loss"] == alone["loss"]
    assert promoted["info"] == alone["info"] | {"continued_from": 1}
    assert task.folder is not None
    assert not (task.folder / TO_CONTINUE).exists()


@pytest.mark.slow
def test_the_seconds_of_the_trial_below_are_its_own(task: TrialTask, tmp_path: Path) -> None:
    below = dataclasses.replace(task, budget=2, schedule=3, folder=tmp_path / "2")
    first = run_trial(below)
    top = dataclasses.replace(task, budget=3, schedule=3, start=below.folder)
    both = run_trial(top)["timestamps"]["search_seconds"] + first["timestamps"]["search_seconds"]
    alone = run_trial(dataclasses.replace(top, start=None, folder=tmp_path / "alone"))
    # Four epochs together, of which one only measures, where one search has three.
    assert both < 2.5 * alone["timestamps"]["search_seconds"]
    assert top.folder is not None
    own = [row.get("inherited") for row in read_metrics(top.folder)]
    assert own == [True, None, None]


@pytest.mark.parametrize("change", [{"is_promotable": False}, {"config": {"learning_rate": 1e30}}])
def test_a_trial_that_is_never_promoted_leaves_no_state(task: TrialTask, change: dict) -> None:
    settings = dict(task.settings) | {"grad_clip": 1e30}
    run_trial(dataclasses.replace(task, budget=1, settings=settings, **change))
    assert task.folder is not None
    assert not (task.folder / TO_CONTINUE).exists()


def loss_of(draws: random.Random) -> float | None:
    """One in eight crashes, and many tie."""
    return None if draws.random() < 0.125 else draws.randrange(10) / 10


def leave(folder: Path, trial: Trial, result: TrialResult) -> None:
    """What a worker leaves of a trial."""
    own = folder / "trials" / trial.key
    own.mkdir(parents=True, exist_ok=True)
    if result.loss is not None and trial.budget < 12:
        (own / TO_CONTINUE).write_bytes(b"of a search")


def states(folder: Path) -> set[str]:
    trials = folder / "trials"
    return {str(path.parent.relative_to(trials)) for path in trials.rglob(TO_CONTINUE)}


def needed(study: Study) -> set[str]:
    """Another way: whoever has fewer betters than there are places, until its promotion has run."""
    done = {trial.key for trial, _ in study.evaluations}
    first: dict[object, int] = {}
    for trial, _ in study.evaluations:
        first[trial.id] = min(first.get(trial.id, trial.seq), trial.seq)
    found = set()
    for trial, result in study.evaluations:
        bracket = study.bracket_of(trial)
        if result.loss is None or bracket < 0 or trial.budget == 12:
            continue
        above = dataclasses.replace(trial, budget=2 * trial.budget)
        [places] = [
            rung.planned
            for rung in study.brackets[bracket].rungs
            if rung.budget == 2 * trial.budget
        ]
        betters = sum(
            (other.loss, first[one.id]) < (result.loss, first[trial.id])
            for one, other in study.evaluations
            if other.loss is not None
            and study.bracket_of(one) == bracket
            and one.budget == trial.budget
        )
        if betters < places and above.key not in done:
            found.add(trial.key)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 5])
def test_a_state_stays_until_its_trial_is_promoted_or_cannot_be(
    tmp_path: Path, workers: int
) -> None:
    draws = random.Random(workers)
    running: list[Trial] = []
    promoted = 0
    with new_study(tmp_path, "promotion=continue") as study:
        kept = StatesToContinue(tmp_path)
        while True:
            while len(running) < workers and (trial := study.ask()) is not None:
                running.append(trial)
                if trial.key_continued is not None:  # its worker needs it
                    promoted += 1
                    assert trial.key_continued in states(tmp_path)
            if not running:
                break
            trial = running.pop(draws.randrange(len(running)))
            loss = loss_of(draws)
            result = TrialResult(loss, exception="nan" if loss is None else None)
            leave(tmp_path, trial, result)
            study.tell(trial, result)
            kept.told(study)
            assert states(tmp_path) == needed(study)
        assert promoted > 10
        assert states(tmp_path) == set()


def test_what_a_killed_master_left_is_swept(tmp_path: Path) -> None:
    draws = random.Random(3)
    with new_study(tmp_path, "promotion=continue") as study:
        for _ in range(11):
            trial = study.ask()
            assert trial is not None
            result = TrialResult(draws.random())
            leave(tmp_path, trial, result)
            study.tell(trial, result)
        wanted = needed(study)
        assert wanted < states(tmp_path)

    report = verify(tmp_path)
    found = [one for one in report.findings if "no trial will go on there" in one.words]
    assert len(found) == len(states(tmp_path) - wanted)
    mend(report, tmp_path)
    assert states(tmp_path) == wanted

    with Study.open(tmp_path) as study:
        for trial, result in study.evaluations:
            leave(tmp_path, trial, result)
        kept = StatesToContinue(tmp_path)
        kept.sweep(study)
        assert states(tmp_path) == wanted
        following = study.ask()
        assert following is not None
        study.tell(following, TrialResult(0.0))
        leave(tmp_path, following, TrialResult(0.0))
        kept.told(study)
        assert states(tmp_path) == needed(study)


def test_there_are_two_ways(tmp_path: Path, tiny_study: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(tiny_study.read_text() + "promotion: again\n")
    words = refused("launch", path, "--dir", tmp_path / "study")
    assert "key 'promotion' must be restart (" in words
    assert not (tmp_path / "study").exists()


def test_a_command_cannot_continue(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "searcher: command\ncommand: [python, '{folder}', '{x}', '{budget}']\n"
        "config_space: {x: [0.1, 0.2, 0.9]}\nmin_budget: 1\nmax_budget: 2\niterations: 1\n"
        "promotion: continue\n"
    )
    words = refused("launch", path, "--dir", tmp_path / "study")
    assert "promotion continue: is for searchers of this project" in words


@pytest.mark.slow
def test_a_whole_study_that_was_killed_ends_with_the_same_bits(
    tiny_study: Path, tmp_path: Path
) -> None:
    settings = ["--set", "promotion=continue", "--workers", 1]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    ended = run("launch", tiny_study, "--dir", whole, *settings)
    assert ended.returncode == 0, ended.stderr

    arguments: list[object] = ["launch", tiny_study, "--dir", killed, *settings]
    for lines in (3, 6, 9):
        with started(*arguments) as master:
            wait_until(lambda lines=lines: len(events(killed)) >= lines, master)  # type: ignore[misc]
            master.kill()
        arguments = ["resume", killed]
    ended = run("resume", killed)
    assert ended.returncode == 0, ended.stderr

    assert decisions(killed) == decisions(whole)
    told = [event for event in events(whole) if event["event"] == "tell"]
    went_on = [event for event in told if event["info"].get("continued_from") == 1]
    assert {event["budget"] for event in went_on} == {2}
    assert went_on
    assert all(tuple(event["id"]) != BASELINE_ID for event in went_on)
    assert states(whole) == states(killed) == set()
    assert verify(whole).findings == []
