"""A study with a stop rule and notices, run as a user runs it."""

import stat
from pathlib import Path

import pytest
from support.study_commands import TINY_EVALUATIONS, decisions, run

from oneshot_hpo.hpo import read_study
from oneshot_hpo.hpo.study_events import EXTENSION, STOP_REACHED

pytestmark = pytest.mark.slow

NOTICE = (
    '#!/bin/sh\necho "$1 $ONESHOT_HPO_STATE $ONESHOT_HPO_STOP_RULE" >> "$(dirname "$0")/told"\n'
)


def test_a_study_ends_by_its_rule_says_so_and_is_extended(
    tiny_study: Path, finished_study: Path, tmp_path: Path
) -> None:
    script, folder = tmp_path / "notice.sh", tmp_path / "study"
    script.write_text(NOTICE)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    options = [f"on_end=[{script}, end]", f"on_trouble=[{script}, trouble]", "stop.evaluations=3"]
    words = [word for option in options for word in ("--set", option)]
    ended = run("launch", tiny_study, "--dir", folder, "--workers", 1, *words)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("stop rule evaluations: 3 evaluations") == 1
    assert f"oneshot-hpo extend {folder} --stop evaluations=null" in ended.stdout
    assert len(read_study(folder).evaluations) == 3
    assert (tmp_path / "told").read_text() == "end finished evaluations\n"

    again = run("resume", folder)
    assert again.returncode == 0, again.stderr
    assert "stopped by its rule evaluations (3 evaluations)" in " ".join(again.stdout.split())
    assert len(read_study(folder).evaluations) == 3

    extended = run("extend", folder, "--stop", "evaluations=null")
    assert extended.returncode == 0, extended.stderr
    words = "With 1 worker it equals a study that was not stopped."
    assert words in " ".join(extended.stdout.split())
    resumed = run("resume", folder)
    assert resumed.returncode == 0, resumed.stderr
    assert len(read_study(folder).evaluations) == TINY_EVALUATIONS
    assert (tmp_path / "told").read_text() == "end finished evaluations\nend finished \n"
    own = (STOP_REACHED, EXTENSION)
    found = [event for event in decisions(folder)[1:] if event["event"] not in own]
    assert found == decisions(finished_study)[1:]
