"""A pool finds its jobs by name and by id, whatever the user's environment."""

from pathlib import Path

import pytest
from support.slurm_pools import opened
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import wait_until

from oneshot_hpo.cluster.slurm import commands
from oneshot_hpo.cluster.slurm.contact import contact_folder
from oneshot_hpo.cluster.slurm.submitted import IDS, SubmittedJobs

SCRIPT = "#!/bin/sh\n#SBATCH -J another -o /dev/null\nsleep 600\n"
ALIVE = "--states=PENDING,RUNNING"
FOR_OTHER_WORK = {
    "SBATCH_JOB_NAME": "mine",
    "SBATCH_NO_REQUEUE": "",
    "SBATCH_ARRAY_INX": "0-5",
    "SQUEUE_STATES": "RUNNING",
    "SQUEUE_PARTITION": "spare",
    "SQUEUE_NAMES": "mine",
    "SCANCEL_STATE": "SUSPENDED",
    "SCANCEL_NAME": "mine",
    "SLURM_TIME_FORMAT": "relative",
}


def jobs(folder: Path) -> SubmittedJobs:
    return SubmittedJobs(folder.name, folder, folder / "ids")


@pytest.mark.slow
def test_variables_for_other_work_hide_no_job(
    slurm: ThrowawaySlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as mine:
        for name, value in FOR_OTHER_WORK.items():
            mine.setenv(name, value)
        with opened(tmp_path, workers=6) as pool:  # two more than there are GPUs
            wait_until(lambda: pool.live_workers == 4 and "2 waiting" in pool.status)
            looks: list[int] = []

            def looked() -> bool:  # five rounds of the keeper, in which it could submit more
                looks.append(len(commands.jobs_by_name(tmp_path.name)))
                return len(looks) > 25

            wait_until(looked)
            assert set(looks) == {6}
    assert not slurm.jobs(ALIVE)


@pytest.mark.slow
def test_a_renamed_job_is_found_by_its_id(slurm: ThrowawaySlurm, tmp_path: Path) -> None:
    with opened(tmp_path, workers=5) as pool:
        wait_until(lambda: pool.live_workers == 4 and "1 waiting" in pool.status)
        for job, _, _ in slurm.jobs(ALIVE):
            slurm.command("scontrol", "update", f"JobId={job}", "JobName=renamed")
        assert not commands.jobs_by_name(tmp_path.name)
        looks: list[int] = []

        def looked() -> bool:
            looks.append(len(slurm.jobs(ALIVE)))
            return len(looks) > 25

        wait_until(looked)
        assert set(looks) == {5}
        assert "1 waiting" in pool.status
    assert not slurm.jobs(ALIVE)


@pytest.mark.slow
def test_a_job_without_a_recorded_id_is_found_by_its_name(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    # As if the master had been killed between sbatch's answer and its note.
    commands.submit(SCRIPT, f"--job-name={tmp_path.name}", "--array=0-1", f"--chdir={tmp_path}")
    assert len(jobs(tmp_path).alive()) == 2
    jobs(tmp_path).cancel_all()
    assert not slurm.jobs(ALIVE)


@pytest.mark.slow
def test_the_name_of_the_pool_overrides_that_of_the_script(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    submitted = jobs(tmp_path)
    job = submitted.submit(SCRIPT, f"--chdir={tmp_path}")
    assert [name for _, _, name in slurm.jobs(ALIVE)] == [tmp_path.name]
    assert list(submitted.alive()) == list(jobs(tmp_path).alive()) == [job]
    submitted.cancel_all()


def test_a_reused_id_is_left_alone(slurm: ThrowawaySlurm, tmp_path: Path) -> None:
    other = commands.submit(SCRIPT, "--job-name=other", "--chdir=/")
    (tmp_path / "ids").write_text(f"{other}\n4000000\n")
    assert not jobs(tmp_path).alive()
    jobs(tmp_path).cancel_all()
    assert [name for _, _, name in slurm.jobs(ALIVE)] == ["other"]
    commands.cancel([other])
    wait_until(lambda: not slurm.jobs(ALIVE))


def test_an_error_of_sbatch_names_the_ignored_variables(
    slurm: ThrowawaySlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_ACCOUNT", "mine")
    with pytest.raises(commands.SlurmRefused, match="SBATCH_ACCOUNT ignored"):
        commands.check(SCRIPT, "--partition=none")


@pytest.mark.slow
def test_the_key_is_new_for_each_master_and_never_in_the_study(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm" / "certificate.pem").write_text("somebody else's")
    contact = contact_folder(tmp_path.name)
    first = opened(tmp_path)
    assert not (tmp_path / "slurm").exists()
    wait_until(lambda: first.live_workers == 1)
    worker = slurm.processes()[0].pid
    before = (contact / "credentials.pem").read_bytes()
    first.hand_over()
    with opened(tmp_path) as second:
        assert (contact / "credentials.pem").read_bytes() != before
        wait_until(lambda: second.live_workers == 1)
        assert [process.pid for process in slurm.processes()] == [worker]
        assert (contact / IDS).exists()
        assert not [path for path in tmp_path.rglob("*") if "PRIVATE KEY" in _text(path)]
    assert not contact.exists()


@pytest.mark.slow
def test_a_job_s_private_folder_is_removed_with_the_job(
    slurm: ThrowawaySlurm, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    with opened(tmp_path / "study", scratch_folder=str(scratch)) as pool:
        wait_until(lambda: pool.live_workers == 1)
        (folder,) = scratch.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        (process,) = slurm.processes()
        assert f"--local-directory {scratch}" in " ".join(process.cmdline())
    wait_until(lambda: not list(scratch.iterdir()))


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""
