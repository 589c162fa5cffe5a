import os
import shlex
import subprocess
import sys
from pathlib import Path

import dask
import pytest
from support.throwaway_slurm import ThrowawaySlurm
from support.waiting import wait_until

from oneshot_hpo.cluster.slurm import commands
from oneshot_hpo.cluster.slurm.job_script import master_script, worker_script
from oneshot_hpo.cluster.slurm.settings import SlurmSettings, SlurmSettingsError


def script(folder: Path = Path("/shared/study"), **settings: object) -> list[str]:
    return worker_script(
        SlurmSettings(**settings),  # type: ignore[arg-type]
        name="study-1a2b",
        threads=3,
        contact=folder / "contact",
        folder=folder,
        logs=folder / "logs",
    ).splitlines()


def test_the_smallest_script_has_only_required_lines() -> None:
    lines = script()
    assert [line for line in lines if line.startswith("#SBATCH")] == [
        "#SBATCH -J study-1a2b",
        "#SBATCH -n 1",
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --gres=gpu:1",
        "#SBATCH -D /shared/study",
        "#SBATCH -o /shared/study/logs/worker-%A_%a.log",
        "#SBATCH --signal=B:USR1@120",
        "#SBATCH --no-requeue",
    ]
    assert "export OMP_NUM_THREADS=3" in lines


def test_a_user_s_dask_configuration_is_not_used() -> None:
    with dask.config.set({"jobqueue.slurm.queue": "elsewhere", "jobqueue.slurm.walltime": "1:00"}):
        assert script() == script(partition=None)
        assert not any("elsewhere" in line or "-t " in line for line in script())


@pytest.mark.slow
def test_a_script_leaves_the_handler_of_ctrl_c_as_it_was() -> None:
    """dask-jobqueue sets one of its own when it is imported; it would end a master with code 0."""
    program = (
        "import signal\nfrom pathlib import Path\nimport test_job_script\n"
        "test_job_script.script()\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_gpus_takes_the_place_of_gres() -> None:
    lines = script(gpus="a100:1")
    assert "#SBATCH --gpus=a100:1" in lines
    assert not any("--gres" in line for line in lines)


def test_skipped_directives_are_absent_and_extra_ones_present() -> None:
    lines = script(memory="8G", skip_directives=["--mem"], extra_directives=["--mem-per-gpu=8G"])
    directives = [line for line in lines if line.startswith("#SBATCH")]
    assert [line for line in directives if "--mem" in line] == ["#SBATCH --mem-per-gpu=8G"]
    assert not any("--signal" in line for line in script(skip_directives=["--signal"]))


def test_the_shell_finds_one_command_for_any_folder_name(tmp_path: Path) -> None:
    folder = tmp_path / "my study $HOME"
    lines = script(folder, scratch_folder="$NODE_DISK/of mine")
    command = lines[-1].removeprefix(f"exec {shlex.quote(sys.executable)} ")
    shown = (
        f"NODE_DISK=/disk; SLURM_ARRAY_JOB_ID=7; SLURM_ARRAY_TASK_ID=2; printf '%s\\n' {command}"
    )
    words = subprocess.check_output(["bash", "-c", shown], text=True).splitlines()
    assert str(folder / "contact") in words
    assert "w7_2" in words
    assert words[words.index("--local-directory") + 1] == "/disk/of mine"
    assert subprocess.run(["bash", "-n"], input="\n".join(lines), text=True).returncode == 0


@pytest.mark.slow
def test_sbatch_accepts_any_folder_name(slurm: ThrowawaySlurm, tmp_path: Path) -> None:
    """The working folder and the output folder of a job of each script."""
    settings = SlurmSettings(gres=None, prologue=["pwd", "exit 0"])
    expected: dict[Path, str] = {}
    for name in ("a b", "100% %A %%", "it's", 'so "called"', "a # b", "$HOME;x", "é"):
        folder = tmp_path / name
        logs = folder / "logs"
        logs.mkdir(parents=True)
        commands.submit(master_script(settings, name="m", folder=folder, logs=logs, command=[]))
        worker = "\n".join(script(folder, gres=None, prologue=["pwd", "exit 0"]))
        job = commands.submit(worker, "--array=0")
        paths = (logs / "master.log", logs / f"worker-{job}_0.log")
        expected |= dict.fromkeys(paths, f"{folder}\n")
    wait_until(lambda: not slurm.jobs("--states=PENDING,RUNNING,COMPLETING"))
    found = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == expected


@pytest.mark.parametrize("name", ["a\\b", "a\n#SBATCH --wrap=b", "a\tb"])
def test_a_folder_that_sbatch_cannot_take_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SlurmSettingsError, match="a backslash or a control character"):
        script(tmp_path / name)


def test_the_master_has_its_own_limits_and_the_workers_account() -> None:
    settings = SlurmSettings(
        partition="gpu",
        account="abc",
        qos="long",
        time="1:00:00",
        master_partition="cpu",
        master_time="2-00:00:00",
        master_memory="4G",
        prologue=["module load python"],
    )
    text = master_script(
        settings,
        name="study-master",
        folder=Path("/shared/study"),
        logs=Path("/shared/study/logs"),
        command=["python", "-m", "master", "a folder"],
    )
    for directive in ("-p cpu", "-A abc", "--qos=long", "-t 2-00:00:00", "--mem=4G", "-n 1"):
        assert f"#SBATCH {directive}\n" in text
    assert "gpu" not in text
    assert text.endswith("set -e\nmodule load python\nexec python -m master 'a folder'\n")
