"""The master of a confirmation as a SLURM job of its own."""

from pathlib import Path

import pytest
from support.confirmed_study import scripted
from support.study_commands import refused, run
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import wait_until

from oneshot_hpo.hpo import has_confirmation, read_confirmation

SLURM = ("cluster.slurm.scheduler_interface=lo", "cluster.slurm.cpus=1", "workers=1")


def test_without_a_section_for_slurm_nothing_is_submitted(tiny_study: Path, tmp_path: Path) -> None:
    scripted(tiny_study, tmp_path / "s").close()
    assert "there is no section cluster.slurm" in refused("confirm", tmp_path / "s", "--submit")
    assert not (tmp_path / "s" / "confirm").exists()


@pytest.mark.slow
def test_a_submitted_confirmation_ends_by_itself(
    slurm: ThrowawaySlurm, tiny_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    scripted(tiny_study, folder, *SLURM).close()
    ended = run("confirm", folder, "--seeds", 1, "--submit")
    assert ended.returncode == 0, ended.stderr
    assert "the master is job" in ended.stdout
    assert has_confirmation(folder / "confirm")

    results = folder / "confirm" / "results.csv"
    wait_until(results.exists)
    view = read_confirmation(folder / "confirm")
    assert view.finished
    assert len(view.evaluations) == 2
    assert len(results.read_text().splitlines()) == 3
    wait_until(lambda: not slurm.jobs("--states=PENDING,RUNNING"))
