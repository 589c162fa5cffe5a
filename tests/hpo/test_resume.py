"""A killed and resumed study makes the same decisions as one that was never killed."""

import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import toy_study
from support.processes import run
from support.toy_study import create, decisions, drive, toy_result

from oneshot_hpo import hpo
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.journal.line import sealed


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study with one worker."""
    folder = tmp_path_factory.mktemp("whole")
    with create(folder) as study:
        drive(study)
    return folder


def resume(folder: Path, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "journal.jsonl").write_bytes(content)
    with hpo.Study.open(folder) as study:
        drive(study)


@pytest.mark.slow
def test_cut_after_every_third_line_and_run_to_the_end(whole: Path, tmp_path: Path) -> None:
    """Asks and tells in turn; the test with several trials in flight stops after every line."""
    lines = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    expected = decisions(whole)
    assert sum(e["event"] == "ask" and e["info"]["model_based_pick"] for e in expected) > 10
    assert sum(e["event"] == "tell" and e["loss"] is None for e in expected) > 1
    for kept in range(1, len(lines) + 1, 3):
        resume(tmp_path, b"".join(lines[:kept]))
        assert decisions(tmp_path) == expected, f"cut after line {kept}"


@pytest.mark.slow
def test_cut_at_every_byte_of_an_ask_and_a_tell(whole: Path, tmp_path: Path) -> None:
    """A torn line leaves the lines before it, which the test above covers."""
    path = tmp_path / "journal.jsonl"
    lines = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for last in (len(lines) - 4, len(lines) - 3):  # near the end, where models propose
        before, line = b"".join(lines[:last]), lines[last]
        for cut in range(1, len(line)):
            path.write_bytes(before + line[:cut])
            with hpo.Study.open(tmp_path) as study:
                assert len(study.pending) + 2 * len(study.evaluations) == last - 1
            assert path.read_bytes() == before, f"line {last + 1} cut at byte {cut}"
        resume(tmp_path, before + line[: len(line) // 2])
        assert decisions(tmp_path) == decisions(whole)


@pytest.mark.slow
def test_several_trials_in_flight_replay_exactly(tmp_path: Path) -> None:
    """Results come in another order than trials start; pending ones survive every restart."""
    order = random.Random(0)
    with create(tmp_path / "whole") as study:
        running: list[hpo.Trial] = []
        while not study.finished:
            while len(running) < 5 and (trial := study.ask()) is not None:
                running.append(trial)
            trial = running.pop(order.randrange(len(running)))
            study.tell(trial, toy_result(trial))
    expected = decisions(tmp_path / "whole")

    lines = (tmp_path / "whole" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(lines[0])
    for event in expected[1:]:  # a new process for every event
        with hpo.Study.open(folder) as study:
            if event["event"] == "ask":
                study.ask()
            else:
                key = (tuple(event["id"]), event["budget"])
                trial = next(t for t in study.pending if (t.id, t.budget) == key)
                study.tell(trial, toy_result(trial))
            live = (study.pending, study.evaluations, study.incumbent, study.brackets)
        view = hpo.read_study(folder)
        assert live == (view.pending, view.evaluations, view.incumbent, view.brackets)
    assert decisions(folder) == expected


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    whole = float(run([sys.executable, toy_study.__file__, str(tmp_path / "whole")]).stdout)

    command = [sys.executable, toy_study.__file__, str(tmp_path / "killed")]
    moments = random.Random(1)
    for _ in range(3):
        ended = run([*command, whole * moments.uniform(0.02, 0.2)])
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        assert not hpo.read_study(tmp_path / "killed").finished
    ended = run(command)
    assert ended.returncode == 0, ended.stderr
    assert decisions(tmp_path / "killed") == decisions(tmp_path / "whole")


def test_replay_is_quick_because_models_wait_for_a_proposal(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = []
    generator = "oneshot_hpo.hpo.bohb.generator.VectorisedKDEGenerator"
    monkeypatch.setattr(f"{generator}.model", lambda *arguments: fits.append(arguments))
    hpo.Study.open(whole).close()
    assert fits == []


def change(line: int, **values: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda events: events[line - 1].update(values)


def drop(line: int) -> Callable[[list[dict[str, Any]]], None]:
    return lambda events: events.pop(line - 1) and None


def repeat(line: int) -> Callable[[list[dict[str, Any]]], None]:
    return lambda events: events.insert(line, events[line - 1])


@pytest.mark.parametrize(
    ("edit", "line", "reason"),
    [
        (change(4, id=[0, 0, 1]), 4, r"id is \[0, 0, 1\], expected \[0, 0, 0\]"),
        (change(4, budget=2), 4, "budget is 2, expected 1"),
        (change(4, seq=7), 4, "seq is 7, expected 2"),
        (change(4, config={"rate": 0.5}), 4, "config is not in the study's space"),
        (change(4, config={}), 4, "config is not in the study's space"),
        (change(2, config={}), 2, "config is {}, expected {.*}"),
        (change(5, id=[0, 0, 3]), 5, r"trial \[0, 0, 3\] at budget 1 has not started"),
        (change(5, budget=2), 5, "has not started"),
        (drop(4), 4, "seq is 3, expected 2"),
        (repeat(5), 6, "seq is 3, expected 4"),
        (change(1, optimizer={"min_budget": 3}), 1, "optimizer of header"),
        (change(1, optimizer={"minimum": 3}), 1, "optimizer of header"),
        (change(1, space={"hyperparameters": 3}), 1, "space of header"),
        (
            change(1, prior=[{"config": {"rate": 2}, "budget": 1, "loss": 0.5}]),
            1,
            "prior of header: config is not in the study's space: rate cannot be 2",
        ),
    ],
)
def test_a_journal_that_cannot_be_replayed_names_its_line_and_is_left_alone(
    whole: Path,
    tmp_path: Path,
    edit: Callable[[list[dict[str, Any]]], None],
    line: int,
    reason: str,
) -> None:
    path = tmp_path / "journal.jsonl"
    events, _ = read_journal(whole / "journal.jsonl")
    edit(events)
    path.write_bytes(b"".join(map(sealed, events)) + b'{"event": "as')
    before = path.read_bytes()
    with pytest.raises(hpo.CorruptJournal, match=f"line {line}: .*{reason}"):
        hpo.Study.open(tmp_path)
    assert path.read_bytes() == before


def test_a_promotion_with_another_configuration_is_a_mismatch(whole: Path, tmp_path: Path) -> None:
    events, _ = read_journal(whole / "journal.jsonl")
    number = next(
        i
        for i, e in enumerate(events)
        if e["event"] == "ask" and e["id"][0] == 0 and e["budget"] > 1
    )
    events[number]["config"]["rate"] = 0.123
    (tmp_path / "journal.jsonl").write_bytes(b"".join(map(sealed, events)))
    with pytest.raises(hpo.CorruptJournal, match=f"line {number + 1}: config is"):
        hpo.Study.open(tmp_path)


@pytest.mark.slow
def test_an_interrupted_decision_closes_the_study_and_resumes(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with create(tmp_path) as study:
        for _ in range(3):
            trial = study.ask()
            assert trial is not None
            study.tell(trial, toy_result(trial))
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("oneshot_hpo.hpo.journal.file.os.write", interrupt)
            study.ask()
        with pytest.raises(hpo.StudyError, match="closed"):
            study.ask()
    with hpo.Study.open(tmp_path) as study:
        drive(study)
    assert decisions(tmp_path) == decisions(whole)


def interrupt(*_: Any) -> int:
    raise KeyboardInterrupt
