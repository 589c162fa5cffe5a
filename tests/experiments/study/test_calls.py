"""A study and a search from a program: what the calls return, raise and print."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.processes import finish, running
from support.waiting import wait_until

import oneshot_hpo

SMALL = {"channels": 2, "stacks": 1, "cells_per_stack": 1, "batch_size": 128}


@pytest.mark.slow
def test_a_study_is_launched_resumed_and_opened(
    tiny_study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    settings = {"iterations": 1, "search": {"stacks": 1}}
    study = oneshot_hpo.launch(tiny_study, folder, settings=settings, workers=1)
    assert study.state == "finished"
    assert (study.spec.search["stacks"], study.spec.search["channels"]) == (1, 2)
    assert list(study.trials_frame()["state"]) == ["finished"] * 4
    assert len(oneshot_hpo.resume(folder).trials) == 4
    assert len(oneshot_hpo.open_study(str(folder)).epochs_frame()) == 6
    assert capfd.readouterr() == ("", "")

    with pytest.raises(oneshot_hpo.UserError, match="already holds a study"):
        oneshot_hpo.launch(tiny_study, folder)
    oneshot_hpo.resume(folder, show_progress=True)
    assert "every decision and result:" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"workers": 0}, "workers must be a whole number from 1 to 4,096, not 0"),
        ({"settings": {"search": {"chanels": 1}}}, "did you mean channels"),
        ({"settings": {"search.channels": object()}}, "is not a value of a study file"),
        ({"settings": {"seed": -1}}, "seed"),
        ({"submit": True, "address": "tcp://127.0.0.1:1"}, "leave --address out"),
    ],
)
def test_bad_input_is_an_exception_and_makes_nothing(
    tiny_study: Path, tmp_path: Path, arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(oneshot_hpo.UserError, match=words):
        oneshot_hpo.launch(tiny_study, tmp_path / "new", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_commands_that_nobody_trusted_are_in_the_exception(
    tiny_study: Path, tmp_path: Path, trusted: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "received.yaml"
    slurm = "  slurm: {scheduler_interface: lo, prologue: [rm -rf mine]}\n"
    path.write_text(
        tiny_study.read_text().replace("cluster: {threads: 1}\n", f"cluster:\n{slurm}")
        + "workers: 1\n"
    )
    with pytest.raises(oneshot_hpo.NotTrusted, match=r"rm -rf mine.*trust=True") as caught:
        oneshot_hpo.launch(path, tmp_path / "new")
    assert caught.value.commands == [{"cluster.slurm.prologue": ["rm -rf mine"]}]
    assert not (tmp_path / "new").exists()
    assert not trusted.exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_search_returns_what_the_table_knows(
    table_file: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    epochs: list[int] = []
    found = oneshot_hpo.search(
        table=Path(table_file),
        epochs=2,
        settings=SMALL,
        folder=tmp_path,
        on_epoch=lambda record: epochs.append(record.epoch),
    )
    assert epochs == [1, 2]
    assert found.regret is not None
    assert found.regret >= 0
    assert capfd.readouterr() == ("", "")

    with pytest.raises(oneshot_hpo.SearchDiverged):
        oneshot_hpo.search(
            table=table_file, epochs=1, settings=SMALL | {"learning_rate": 1e30, "grad_clip": 1e30}
        )
    with pytest.raises(oneshot_hpo.TableError):
        oneshot_hpo.search(table="none.npz", epochs=1)


@pytest.mark.slow
def test_a_study_runs_in_any_thread(tiny_study: Path, tmp_path: Path) -> None:
    opened: list[oneshot_hpo.OpenedStudy] = []
    settings = {"iterations": 0}

    def launch() -> None:
        opened.append(oneshot_hpo.launch(tiny_study, tmp_path / "s", settings=settings, workers=1))

    thread = threading.Thread(target=launch)
    thread.start()
    thread.join()
    assert [study.state for study in opened] == ["finished"]


UNGUARDED = """
import sys
import oneshot_hpo

print("began", flush=True)
try:
    oneshot_hpo.launch(sys.argv[1], "study", settings={"max_budget": 2000, "min_budget": 2000},
                       workers=1)
except KeyboardInterrupt as interruption:
    print(f"caught {interruption}", flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_in_a_plain_script_is_a_keyboard_interrupt(tiny_study: Path, tmp_path: Path) -> None:
    """The script has no `if __name__ == "__main__"`: its worker must not begin it again."""
    (tmp_path / "script.py").write_text(UNGUARDED)
    command = [sys.executable, "script.py", str(tiny_study)]
    with running(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as script:
        metrics = tmp_path / "study" / "trials" / "baseline" / "2000" / "metrics.jsonl"
        wait_until(metrics.exists, script)
        os.kill(script.pid, signal.SIGINT)
        output, complaint = finish(script)
    began, caught = output.splitlines()
    assert began == "began"
    assert caught.startswith("caught stopped; every finished evaluation is kept; to resume: ")
    assert complaint == ""
