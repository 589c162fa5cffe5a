import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.processes import finish, running
from support.study_commands import called, command, decisions, refused, run

from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.experiments.study.yaml_files import load_yaml
from oneshot_hpo.hpo.journal.lock import StudyLock


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("serchear=darts", "did you mean searcher?"),
        ("seed=one", "whole number"),
        ("min_budget=3", "min_budget must be at most max_budget"),
        ("eta=1", "eta must be a number from 2"),
        ("searcher=drats", "there are darts"),
        ("table=none.npz", "none.npz"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tiny_study: Path, tmp_path: Path, setting: str, message: str
) -> None:
    folder = tmp_path / "parent" / "study"
    line = refused("launch", tiny_study, "--dir", folder, "--set", setting)
    assert message in line
    assert str(tiny_study) in line
    assert not folder.parent.exists()


@pytest.mark.parametrize(
    "arguments", [("launch",), ("laun", "x"), ("launch", "x", "--workers", "0"), ("show", "none")]
)
def test_bad_usage_is_one_line(arguments: tuple[str, ...]) -> None:
    refused(*arguments)


@pytest.mark.slow
def test_a_process_ends_as_the_call_does(tiny_study: Path) -> None:
    arguments = ("launch", tiny_study, "--set", "seed=one")
    process, call = run(*arguments), called(*arguments)
    assert (process.returncode, process.stderr) == (call.returncode, call.stderr)
    assert process.returncode == 2


@pytest.mark.slow
def test_a_study_is_not_launched_into_another_one(tiny_study: Path, finished_study: Path) -> None:
    before = decisions(finished_study)
    line = refused("launch", tiny_study, "--dir", finished_study)
    assert f"oneshot-hpo resume {finished_study}" in line
    assert decisions(finished_study) == before


def test_a_folder_that_cannot_be_used_is_refused(tiny_study: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("")
    assert "not empty" in refused("launch", tiny_study, "--dir", tmp_path / "full")
    file = tmp_path / "full" / "thesis.txt"
    assert "is a file" in refused("launch", tiny_study, "--dir", file)
    assert "Not a directory" in refused("launch", tiny_study, "--dir", file / "study")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_folder_without_write_permission_is_refused(tiny_study: Path, tmp_path: Path) -> None:
    # Root may write anywhere but into /proc.
    parent = tmp_path / "locked"
    parent.mkdir()
    parent.chmod(0o555)
    folder = Path("/proc/study") if os.geteuid() == 0 else parent / "study"
    assert str(folder) in refused("launch", tiny_study, "--dir", folder)


def test_what_is_no_study_cannot_be_resumed_or_watched(tmp_path: Path) -> None:
    assert "no such folder" in refused("resume", tmp_path / "none")
    assert "holds no study" in refused("status", tmp_path)


@pytest.mark.slow
def test_a_corrupt_journal_is_named_by_line_and_left_alone(
    finished_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "corrupt"
    shutil.copytree(finished_study, folder)
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"event"', b'"evnt"')
    journal.write_bytes(b"".join(lines))
    before = journal.read_bytes()
    for name in ("resume", "status"):
        line = refused(name, folder)
        assert f"{journal}, line 4" in line
    assert journal.read_bytes() == before


@pytest.mark.slow
def test_a_study_that_another_master_holds_is_refused(finished_study: Path, tmp_path: Path) -> None:
    from oneshot_hpo.hpo import Study

    shutil.copytree(finished_study, tmp_path / "held")
    with Study.open(tmp_path / "held"):
        line = refused("resume", tmp_path / "held")
    assert f"process {os.getpid()}" in line


@pytest.mark.slow
def test_resuming_a_finished_study_shows_its_end(finished_study: Path, tmp_path: Path) -> None:
    before, folder = decisions(finished_study), tmp_path / "finished"
    shutil.copytree(finished_study, folder)
    ended = called("resume", folder)
    assert ended.returncode == 0, ended.stderr
    assert "validation error" in ended.stdout
    assert str(folder / "journal.jsonl") in ended.stdout
    assert decisions(folder) == before


@pytest.mark.slow
def test_a_lost_study_file_is_written_again(finished_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(finished_study, folder)
    (folder / "study.yaml").unlink()
    assert called("resume", folder).returncode == 0
    assert load_yaml((folder / "study.yaml").read_text()) == load_yaml(
        (finished_study / "study.yaml").read_text()
    )


@pytest.mark.slow
def test_status_of_a_finished_and_of_a_stopped_study(finished_study: Path, tmp_path: Path) -> None:
    ended = called("status", finished_study)
    assert ended.returncode == 0
    assert "6 of 6 done" in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= max(80, len(str(finished_study)) + 50)
    assert called("status", finished_study, "--watch").returncode == 0

    journal = (finished_study / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "journal.jsonl").write_bytes(b"".join(journal[:4]))
    ended = called("status", tmp_path)
    assert "1 of 6 done, 0 running, 5 waiting" in ended.stdout
    assert "not running" in ended.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["journal.jsonl"]


def test_show_prints_a_study_file_with_every_default(tiny_study: Path, tmp_path: Path) -> None:
    shown = called("show", tiny_study, "--set", "search.momentum=0.5")
    assert shown.returncode == 0, shown.stderr
    document = load_yaml(shown.stdout)
    assert document["search"]["momentum"] == 0.5
    assert document["bohb"]["num_samples"] == 64
    again = tmp_path / "again.yaml"
    again.write_text(shown.stdout)
    assert called("show", again).stdout == shown.stdout


def test_show_says_what_a_configuration_space_is(tiny_study: Path, tmp_path: Path) -> None:
    """As lines that make the same space once they are no comments."""
    shown = called("show", tiny_study).stdout
    head, _, rest = shown.partition("config_space: cs2\n# cs2 is what follows")
    section = [line.removeprefix("# ") for line in rest.splitlines() if line.startswith("#   ")]
    assert len(section) == 3
    own = tmp_path / "own.yaml"
    after = rest.split(section[-1])[1]
    own.write_text("\n".join([head + "config_space:", *section]) + after)
    spec, named = (complete(load_study(str(path)), "show") for path in (own, tiny_study))
    own_space, cs2 = spec.configuration_space(), named.configuration_space()
    assert dict(own_space) == dict(cs2)
    assert called("show", own).stdout.count("#") == 0


def test_a_search_in_no_space_is_refused() -> None:
    line = refused("search", "--space", 9)
    assert "there are search spaces 1, 2, 3, nasbench201, " in line and "darts, not 9" in line


@pytest.mark.slow
def test_a_search_alone_can_be_continued(table_file: str, tmp_path: Path) -> None:
    settings = ["channels=2", "stacks=2", "cells_per_stack=1", "batch_size=128", "cutout_length=4"]
    arguments = ["search", "--table", table_file, "--dir", tmp_path / "s", "--epochs", 2]
    arguments += [word for setting in settings for word in ("--set", f"search.{setting}")]
    first = run(*arguments)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("one-shot validation error") == 2
    assert "test regret" in first.stdout
    second = run(*arguments)
    assert "note: the table synthetic does not say" in first.stdout
    assert second.stdout.splitlines() == first.stdout.splitlines()[2:]
    assert "seed" in refused(*arguments, "--seed", 1)


@pytest.mark.slow
def test_version_and_help() -> None:
    assert run("--version").stdout.startswith("oneshot-hpo ")
    helped = run()
    assert helped.returncode == 0
    for name in ("launch", "resume", "status", "show", "search"):
        assert name in helped.stdout


@pytest.mark.slow
def test_ctrl_c_ends_any_command_with_130(finished_study: Path, tmp_path: Path) -> None:
    journal = (finished_study / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "journal.jsonl").write_bytes(b"".join(journal[:4]))
    lock = StudyLock(tmp_path)  # it has a master, so watching does not end by itself
    seen, terminal = os.openpty()
    pipes = {"stdout": terminal, "stderr": subprocess.PIPE}
    with running(command("status", tmp_path, "--watch"), **pipes) as watch:
        os.read(seen, 1)
        watch.send_signal(2)
        _, complaint = finish(watch)
    os.close(seen)
    os.close(terminal)
    lock.release()
    assert watch.returncode == 130
    assert complaint == "stopped\n"


@pytest.mark.slow
def test_the_journal_is_json_lines_with_events(finished_study: Path) -> None:
    for line in (finished_study / "journal.jsonl").read_text().splitlines():
        assert json.loads(line)["event"] in ("header", "ask", "tell", "retry")
