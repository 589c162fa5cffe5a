from pathlib import Path

import pytest

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.pools import job_name
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import load_study, with_overrides


def on_slurm(study: Path, *settings: str) -> StudySpec:
    overrides = [f"cluster.slurm.{setting}" for setting in settings]
    return complete(load_study(str(study), ["cluster.slurm={}", *overrides]), "tiny")


def test_every_default_of_slurm_is_written_out(tiny_study: Path) -> None:
    slurm = on_slurm(tiny_study, "partition=gpu").cluster.slurm
    assert slurm is not None
    assert (slurm["partition"], slurm["gres"], slurm["notice"]) == ("gpu", "gpu:1", 120)
    assert load_study(str(tiny_study)).cluster.slurm_settings is None


def test_the_number_of_slurm_s_workers_must_be_set(tiny_study: Path) -> None:
    spec = on_slurm(tiny_study, "cpus=3")
    with pytest.raises(UserError, match="set the largest number of jobs"):
        freeze(spec)
    frozen = freeze(spec.model_copy(update={"workers": 40}))
    assert frozen.workers == 40
    assert frozen.cluster.threads == 1  # as the file says


def test_several_workers_of_a_gpu_are_for_this_machine(tiny_study: Path) -> None:
    with pytest.raises(UserError, match=r"must be 1 with SLURM.* by cluster.slurm.gres, as mps:25"):
        load_study(str(tiny_study), ["cluster.slurm={}", "cluster.workers_per_gpu=4"])


def test_each_gpu_has_as_many_workers_as_the_file_says(
    tiny_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "gpus", lambda: ["0", "1"])
    spec = load_study(str(tiny_study), ["workers=null", "cluster.workers_per_gpu=4"])
    assert freeze(complete(spec, "tiny")).workers == 8
    monkeypatch.setattr(machine, "gpus", list)
    assert freeze(complete(spec, "tiny")).workers == machine.cores()


def test_a_relative_log_folder_means_the_same_from_anywhere(
    tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    slurm = on_slurm(tiny_study, "log_folder=logs").cluster.slurm
    assert slurm is not None
    assert slurm["log_folder"] == str(tmp_path / "logs")


def test_a_study_that_exists_may_change_how_its_workers_run_and_nothing_else(
    tiny_study: Path,
) -> None:
    spec = on_slurm(tiny_study, "partition=gpu")
    changed = with_overrides(spec, ["cluster.slurm.partition=spare", "cluster.max_attempts=9"])
    assert changed.cluster.slurm_settings is not None
    assert changed.cluster.slurm_settings.partition == "spare"
    assert changed.cluster.max_attempts == 9
    assert changed.search == spec.search
    assert spec.track is None
    assert with_overrides(spec, ["track=mlflow"]).track == "mlflow"
    with pytest.raises(StudyFileError, match=r"--set seed: in an existing study only cluster.KEY"):
        with_overrides(spec, ["seed=1"])
    with pytest.raises(StudyFileError, match="did you mean partition"):
        with_overrides(spec, ["cluster.slurm.partitoin=x"])


def test_jobs_are_named_by_study_and_folder(tmp_path: Path) -> None:
    assert job_name("digits", tmp_path) == job_name("digits", tmp_path / "x" / "..")
    assert job_name("digits", tmp_path) != job_name("digits", tmp_path / "copy")
    assert job_name("digits", tmp_path).startswith("digits-")
