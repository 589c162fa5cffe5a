"""The example plug-in is as short as it says, shown in manuals as it is, and works installed."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from support.plugin_example import PLUGIN, Installed
from support.processes import run, running
from support.study_commands import decisions, told
from support.waiting import wait_until

ROOT = Path(__file__).parents[3]
PARTS = sorted((PLUGIN / "chain_nas").glob("*.py"))
SHOWN = {
    "searcher": ROOT / "searchers" / "README.md",
    "space": ROOT / "search_spaces" / "README.md",
    "supernet": ROOT / "search_spaces" / "README.md",
    "table": ROOT / "search_spaces" / "README.md",
}
"""By part, the manual that shows it."""


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_each_part_has_less_than_60_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 60


@pytest.mark.parametrize("part", SHOWN)
def test_manuals_show_the_parts_as_they_are(part: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", SHOWN[part].read_text(), re.S)
    assert (PLUGIN / "chain_nas" / f"{part}.py").read_text() in blocks


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed.at(tmp_path_factory.mktemp("plugin"))


@pytest.mark.slow
def test_installed_it_holds_its_contracts(installed: Installed, tmp_path: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inner'}"]
    ended = run(
        [installed.python, "-m", "pytest", *options, "tests"],
        cwd=installed.project,
        env=installed.variables,
    )
    assert ended.returncode == 0, ended.stdout
    assert "skipped" not in ended.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_study_on_two_workers_is_killed_and_resumed_to_the_same_end(
    installed: Installed, tmp_path: Path
) -> None:
    """Its one bracket is drawn at random, so that the order of results decides nothing."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    study = [installed.project / "study.yaml", "--workers", 2, "--set", "iterations=1"]
    ended = run(installed.command("launch", *study, "--dir", whole), env=installed.variables)
    assert ended.returncode == 0, ended.stderr

    launch = installed.command("launch", *study, "--dir", killed)
    with running(launch, env=installed.variables) as master:
        wait_until(lambda: len(told(killed)) >= 1, master)
        os.kill(master.pid, signal.SIGKILL)
        master.wait()
    ended = run(installed.command("resume", killed), env=installed.variables)
    assert ended.returncode == 0, ended.stderr
    assert len(told(killed)) == len(set(told(killed)))
    assert results(killed) == results(whole)

    specification = decisions(killed)[0]["study"]["specification"]
    assert specification["objective"] == {"steady": {"caution": 2.0}}
    assert specification["versions"]["chain-nas"] == "1.0"
    found = results(killed).values()
    assert {result["info"]["objective"] for result in found} == {"steady"}
    assert all(result["loss"] >= result["info"]["valid_error"] for result in found)
    assert any(result["loss"] > result["info"]["valid_error"] for result in found)


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """Loss and info of each evaluation."""
    return {
        json.dumps([event["id"], event["budget"]]): {key: event[key] for key in ("loss", "info")}
        for event in decisions(folder)
        if event["event"] == "tell"
    }
