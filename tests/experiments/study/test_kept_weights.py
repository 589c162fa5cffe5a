"""Which trials' checkpoints stay, and what a study says of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support.made_study import new_study, result_of
from support.study_commands import refused, run

from oneshot_hpo.experiments.check.checking import verify
from oneshot_hpo.experiments.study.kept_weights import KeptWeights
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.summary import kept_words
from oneshot_hpo.experiments.study.trial import RESULT, TrialTask, run_trial
from oneshot_hpo.hpo import Study, Trial
from oneshot_hpo.searchers import SearchSettings
from oneshot_hpo.searchers.checkpoint import CHECKPOINT, PREVIOUS

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
        folder=tmp_path / "0-0-0" / "2",
        keep=True,
    )


def checkpoints(folder: Path) -> set[str]:
    """The trials that have a checkpoint."""
    trials = folder / "trials"
    return {str(path.parent.relative_to(trials)) for path in trials.rglob("checkpoint*.pt")}


def tell(study: Study, folder: Path, loss: float | None) -> Trial:
    """Run a trial whose worker has left its checkpoint."""
    trial = study.ask()
    assert trial is not None
    own = folder / "trials" / trial.key
    own.mkdir(parents=True)
    (own / CHECKPOINT).write_bytes(b"of a supernet")
    result = result_of(trial, 0.0, crashed=loss is None)
    study.tell(trial, dataclasses.replace(result, loss=loss))
    return trial


@pytest.mark.slow
def test_a_trial_leaves_its_last_checkpoint_and_only_that(task: TrialTask) -> None:
    assert task.folder is not None
    for _ in range(2):  # the second call only returns the result
        run_trial(task)
        left = {path.name for path in task.folder.iterdir()}
        assert {CHECKPOINT, RESULT} < left
        assert PREVIOUS not in left
    run_trial(dataclasses.replace(task, keep=False))
    assert not (task.folder / CHECKPOINT).exists()


def test_a_search_that_diverges_leaves_none(task: TrialTask) -> None:
    assert task.folder is not None
    diverging = {"learning_rate": 1e30, "grad_clip": 1e30}
    result = run_trial(dataclasses.replace(task, config=diverging))
    assert result["loss"] is None
    assert not list(task.folder.glob("checkpoint*"))


def test_the_incumbents_checkpoint_follows_the_incumbent(tmp_path: Path) -> None:
    with new_study(tmp_path, "keep=incumbent") as study:
        kept = KeptWeights(tmp_path, "incumbent")
        keys = []
        for loss in (0.5, 0.6, None, 0.4, 0.7):
            trial = tell(study, tmp_path, loss)
            kept.told(study, trial)
            keys.append(trial.key)
            assert study.incumbent is not None
            assert checkpoints(tmp_path) == {study.incumbent[0].key}
        assert OpenedStudy(tmp_path).kept_weights == {study.incumbent[0].key: 13}


def test_what_a_killed_master_left_is_swept(tmp_path: Path) -> None:
    with new_study(tmp_path, "keep=incumbent") as study:
        trials = [tell(study, tmp_path, loss) for loss in (0.5, 0.6, 0.7)]
        assert len(checkpoints(tmp_path)) == 3
        KeptWeights(tmp_path, "incumbent").sweep(study)
        assert checkpoints(tmp_path) == {trials[0].key}


@pytest.mark.parametrize("keep", ["none", "all"])
def test_a_master_removes_nothing_where_all_or_none_is_kept(tmp_path: Path, keep: str) -> None:
    with new_study(tmp_path, f"keep={keep}") as study:
        kept = KeptWeights(tmp_path, keep)  # type: ignore[arg-type]
        kept.sweep(study)
        for loss in (0.5, 0.4):
            kept.told(study, tell(study, tmp_path, loss))
        assert len(checkpoints(tmp_path)) == 2
        assert len(OpenedStudy(tmp_path).kept_weights) == {"none": 0, "all": 2}[keep]


def test_check_knows_which_checkpoints_stay(tmp_path: Path) -> None:
    with new_study(tmp_path, "keep=incumbent") as study:
        tell(study, tmp_path, 0.5)
        tell(study, tmp_path, 0.6)
    words = [finding.words for finding in verify(tmp_path).findings]
    [kept] = [text for text in words if "nothing can be evaluated under it" in text]
    [left] = [text for text in words if text.endswith("checkpoints of a finished trial")]
    assert study.incumbent is not None
    assert study.incumbent[0].key in kept  # it is no checkpoint of ours
    assert study.incumbent[0].key not in left


def test_the_size_is_in_words(tmp_path: Path) -> None:
    one = kept_words(tmp_path, {"0-0-0/9": 1_500_000})
    assert one == f"{tmp_path}/trials/0-0-0/9/checkpoint.pt (1.5 MB)"
    assert kept_words(tmp_path, {"a": 1, "b": 2}) == f"2 checkpoints in {tmp_path}/trials (3 bytes)"


def test_there_are_three_ways_to_keep(tmp_path: Path, tiny_study: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(tiny_study.read_text() + "keep: some\n")
    words = refused("launch", path, "--dir", tmp_path / "study")
    assert "key 'keep' must be none, incumbent or all" in words
    assert not (tmp_path / "study").exists()


@pytest.mark.slow
def test_a_study_keeps_its_incumbents_supernet_and_cells_are_evaluated_under_it(
    tiny_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 1, "--set", "keep=incumbent")
    assert ended.returncode == 0, ended.stderr
    study = OpenedStudy(folder)
    assert study.view.incumbent is not None
    trial, result = study.view.incumbent
    assert checkpoints(folder) == {trial.key}
    path = folder / "trials" / trial.key / CHECKPOINT
    assert f"{path} (" in ended.stdout
    assert verify(folder).findings == []

    ended = run("search", "--from-checkpoint", path, "--cells", 20, "--out", tmp_path / "cells.csv")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("21 cells of ")
    lines = (tmp_path / "cells.csv").read_text().splitlines()
    assert len(lines) == 22
    [found] = [line.split(",") for line in lines if ",True," in line]
    assert found[0] == result.info["module_hash"]
