"""A study in a space of its own, killed and resumed, takes the decisions of one that was not."""

from pathlib import Path
from typing import Any

from support.toy_study import decisions, drive, toy_settings

from oneshot_hpo.hpo import Study, read_study
from oneshot_hpo.hpo.space_document import document_from_space, space_from_document

DOCUMENT: dict[str, Any] = {
    "rate": {"lower": 1e-4, "upper": 1.0, "log": True},
    "layers": {"lower": 1, "upper": 64, "log": True},
    "width": {"sequence": [8, 16, 32, 64]},
    "optimizer": {"choices": ["sgd", "adam", "lamb"]},
    "flip": {"choices": [True, False, None]},
    "momentum": {"lower": 0.0, "upper": 1.0},
    "clip": {"constant": 5},
    "conditions": [{"child": "momentum", "parent": "optimizer", "equals": "sgd"}],
    "forbidden": [{"width": 64, "optimizer": ["adam", "lamb"]}],
}


def new_study(folder: Path) -> Study:
    space = space_from_document(DOCUMENT)
    return Study.create(folder, header={}, space=space, settings=toy_settings(iterations=20))


def test_a_study_that_was_killed_five_times_takes_the_same_decisions(tmp_path: Path) -> None:
    with new_study(tmp_path / "whole") as study:
        drive(study, workers=3)
    whole = decisions(tmp_path / "whole")
    asked = [event for event in whole if event["event"] == "ask"]
    assert sum(event["info"]["model_based_pick"] for event in asked) >= 10
    active = {"momentum" in event["config"] for event in asked}
    assert active == {True, False}
    assert {event["config"]["flip"] for event in asked} == {True, False, None}

    new_study(tmp_path / "killed").close()
    lines = (tmp_path / "whole" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    journal = tmp_path / "killed" / "journal.jsonl"
    for kill in range(1, 6):
        kept = kill * len(lines) // 6
        journal.write_bytes(b"".join(lines[:kept]) + lines[kept][:20])
        with Study.open(tmp_path / "killed") as study:
            drive(study, workers=3)
        assert decisions(tmp_path / "killed") == whole


def test_the_journal_keeps_the_whole_space(tmp_path: Path) -> None:
    new_study(tmp_path / "study").close()
    space = read_study(tmp_path / "study").space
    assert space == space_from_document(DOCUMENT)
    assert document_from_space(space) == document_from_space(space_from_document(DOCUMENT))
