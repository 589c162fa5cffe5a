"""A program that runs as a search: its arguments, result, exit codes, signals and children."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.processes import running
from support.waiting import wait_until

from oneshot_hpo.searchers.command import (
    Command,
    CommandFailed,
    CommandLost,
    CommandResult,
    CommandStopped,
    run_command,
)
from oneshot_hpo.searchers.command.program import OWN_FOLDER, seconds_spent
from oneshot_hpo.searchers.records import SearchDiverged

SAVES = """
import json, os, pathlib, signal, subprocess, sys, time
folder = pathlib.Path(sys.argv[1])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])

def save(number, frame):
    (folder / "saved").write_text(str(number))
    sys.exit(3)

if (folder / "saved").exists():
    (folder / "result.json").write_text('{"validation_error": 0.5, "test_error": 0.25}')
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
(folder / "child.tmp").write_text(str(child.pid))
(folder / "child.tmp").rename(folder / "child")
time.sleep(1000)
"""
"""Waits for a signal; a second run finds what the first has saved. Starts a child."""


def script(folder: Path, text: str, *arguments: str, **options: Any) -> Command:
    """A command that runs this Python text."""
    path = folder / "program.py"
    path.write_text(text)
    return Command(words=(sys.executable, str(path), *arguments), folder=str(folder), **options)


def has_ended(process: int) -> bool:
    """Whether a process has ended, whoever has to notice that."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def writes(document: Any) -> str:
    """A program that writes this as its result."""
    text = document if isinstance(document, str) else json.dumps(document)
    return f"import sys, pathlib; pathlib.Path(sys.argv[1], 'result.json').write_text({text!r})"


def run(command: Command, trial: Path, **config: Any) -> CommandResult:
    return run_command(command, config, budget=3, seed=7, trial=trial)


def test_placeholders_and_settings_file(tmp_path: Path) -> None:
    text = (
        "import json, pathlib, sys; settings = json.load(open(sys.argv[1])); "
        "pathlib.Path('arguments').write_text(json.dumps([sys.argv[2:], settings])); "
        "result = {'validation_error': 2, 'test_error': -1.5}; "
        "pathlib.Path(settings['folder'], 'result.json').write_text(json.dumps(result))"
    )
    words = ("{settings}", "--lr={lr}", "{kind}", "{flag}", "{budget}", "{seed}", "{{$HOME}} a b")
    found = run(script(tmp_path, text, *words), tmp_path / "t", lr=1e-05, kind="a b", flag=True)
    assert found == CommandResult(validation_error=2.0, test_error=-1.5)

    arguments, settings = json.loads((tmp_path / "arguments").read_text())  # its cwd
    assert arguments == ["--lr=1e-05", "a b", "true", "3", "7", "{$HOME} a b"]
    folder = str(tmp_path / "t" / OWN_FOLDER)
    own = {"budget": 3, "seed": 7, "folder": folder}
    assert settings == {"lr": 1e-05, "kind": "a b", "flag": True} | own
    assert 0 < seconds_spent(tmp_path / "t") < 1000


def test_an_architecture_is_a_result(tmp_path: Path) -> None:
    document = {"parents": [[0], [1]], "ops": ["a"]}
    found = run(script(tmp_path, writes({"architecture": document}), "{folder}"), tmp_path / "t")
    assert found == CommandResult(architecture=document)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pass", "it wrote no result.json into "),
        (writes("{"), "result.json is not JSON"),
        (writes([1]), "has to be"),
        (writes({}), "has nothing"),
        (writes({"error": 1}), "has error"),
        (writes({"validation_error": 0.1}), "result.json has no test_error"),
        (writes({"validation_error": "low", "test_error": 1}), "must be a number, not 'low'"),
        (writes({"validation_error": True, "test_error": 1}), "must be a number, not True"),
        (writes({"architecture": 3}), "must be an object, not 3"),
        ("raise ValueError('no \\x1b[31mdata')", "exit code 1: ValueError: no"),
        ("import sys; print('broken node'); sys.exit(9)", "exit code 9: broken node"),
    ],
)
def test_a_program_without_a_result_fails_in_one_line(
    text: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(CommandFailed) as caught:
        run(script(tmp_path, text, "{folder}"), tmp_path / "t")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_result_of_an_earlier_attempt_does_not_count(tmp_path: Path) -> None:
    run(script(tmp_path, writes({"architecture": {}}), "{folder}"), tmp_path / "t")
    with pytest.raises(CommandFailed, match="it wrote no"):
        run(script(tmp_path, "pass", "{folder}"), tmp_path / "t")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_an_error_that_is_not_finite_is_a_fact_of_the_configuration(
    value: str, tmp_path: Path
) -> None:
    text = writes(f'{{"validation_error": {value}, "test_error": 0.5}}')
    with pytest.raises(SearchDiverged, match="validation_error"):
        run(script(tmp_path, text, "{folder}"), tmp_path / "t")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no-such-program cannot be started in"):
        run(Command(words=("no-such-program",), folder=str(tmp_path)), tmp_path / "t")


def test_exit_codes_and_signals_that_mean_try_elsewhere(tmp_path: Path) -> None:
    command = script(tmp_path, "import sys; sys.exit(75)", lost_exit_codes=(3, 75))
    with pytest.raises(CommandLost, match="ended with exit code 75"):
        run(command, tmp_path / "t")
    with pytest.raises(CommandLost, match="was killed by SIGKILL"):
        run(script(tmp_path, "import os; os.kill(os.getpid(), 9)"), tmp_path / "t")


def test_output_is_passed_on_and_epochs_are_recorded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = (
        "import sys\n"
        "print('epoch 1 valid 0.5\\nepoch 2 valid 0.25', file=sys.stderr)\n"
        + writes({"validation_error": 0.5, "test_error": 1})
    )
    pattern = r"epoch (?P<epoch>\d+) valid (?P<valid_error>\S+)"
    command = script(tmp_path, text, "{folder}", record_pattern=pattern)
    run(command, tmp_path / "t")
    assert capfd.readouterr().out == "epoch 1 valid 0.5\nepoch 2 valid 0.25\n"
    rows = [json.loads(line) for line in (tmp_path / "t/metrics.jsonl").read_text().splitlines()]
    assert [(row["epoch"], row["valid_error"], row["train_loss"]) for row in rows] == [
        (1, 0.5, None),
        (2, 0.25, None),
    ]
    assert all(row["time"] >= 0 for row in rows)


def test_a_stop_is_passed_on_and_the_same_folder_is_continued(tmp_path: Path) -> None:
    trial, command = tmp_path / "t", script(tmp_path, SAVES, "{folder}")
    child = trial / OWN_FOLDER / "child"
    with pytest.raises(CommandStopped):
        run_command(command, {}, budget=1, seed=0, trial=trial, stop_asked=child.exists)
    assert (trial / OWN_FOLDER / "saved").read_text() == str(int(signal.SIGTERM))
    wait_until(lambda: has_ended(int(child.read_text())))
    before = seconds_spent(trial)

    assert run(command, trial) == CommandResult(validation_error=0.5, test_error=0.25)
    assert seconds_spent(trial) > before


def test_a_program_that_does_not_react_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_hpo.searchers.command.program.SAVE_SECONDS", 0.2)
    text = SAVES.replace("(signal.SIGTERM, save)", "(signal.SIGTERM, signal.SIG_IGN)")
    trial = tmp_path / "t"
    child = trial / OWN_FOLDER / "child"
    with pytest.raises(CommandStopped):
        run_command(
            script(tmp_path, text, "{folder}"),
            {},
            budget=1,
            seed=0,
            trial=trial,
            stop_asked=child.exists,
        )
    wait_until(lambda: has_ended(int(child.read_text())))


@pytest.mark.slow
def test_it_saves_and_ends_when_its_worker_is_killed(tmp_path: Path) -> None:
    """The next attempt waits until it has ended, and continues in the same folder."""
    command = script(tmp_path, SAVES, "{folder}")
    worker = (
        "import sys; from pathlib import Path; from oneshot_hpo.searchers.command import *; "
        f"run_command({command!r}, {{}}, budget=1, seed=0, trial=Path({str(tmp_path / 't')!r}))"
    )
    child = tmp_path / "t" / OWN_FOLDER / "child"
    with running([sys.executable, "-c", worker]) as process:
        wait_until(child.exists, process)
        started = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
        assert run(command, tmp_path / "t").test_error == 0.25
        wait_until(lambda: all(has_ended(each.pid) for each in started))


def test_its_environment_is_the_one_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "of the worker")
    text = (
        "import json, os, pathlib, sys; "
        "pathlib.Path(sys.argv[1], 'environment').write_text(json.dumps(dict(os.environ)));"
        + writes({"validation_error": 0, "test_error": 0})
    )
    secret = {"TOKEN": "secret", "PATH": os.environ["PATH"]}
    command = script(tmp_path, text, "{folder}", environment=secret)
    assert "secret" not in repr(command)
    run(command, tmp_path / "t")
    own = json.loads((tmp_path / "t" / OWN_FOLDER / "environment").read_text())
    assert {key: own.get(key) for key in ("TOKEN", "MINE")} == {"TOKEN": "secret", "MINE": None}


def test_ctrl_c_reaches_a_program_of_a_worker_that_blocks_it(tmp_path: Path) -> None:
    """Workers block SIGINT; a program finds signals as it would without a study."""
    text = (
        "import pathlib, signal, sys\n"
        "blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "error = int(signal.SIGINT in blocked)\n"
        "pathlib.Path(sys.argv[1], 'result.json').write_text("
        'f\'{{"validation_error": {error}, "test_error": 0}}\')'
    )
    found: list[CommandResult] = []

    def blocking() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        found.append(run(script(tmp_path, text, "{folder}"), tmp_path / "t"))

    thread = threading.Thread(target=blocking)
    thread.start()
    thread.join()
    assert found[0].validation_error == 0
