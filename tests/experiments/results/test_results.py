"""The kept studies are sound, without NAS-Bench-101 on the machine, and one command makes them."""

import re
import subprocess
from pathlib import Path

import pytest
from support.made_study import confirm, run_study
from support.study_commands import called
from typer.main import get_command

from oneshot_hpo import experiments
from oneshot_hpo.experiments.check.bundles import verify_bundle
from oneshot_hpo.experiments.cli.analyze import app as analyze
from oneshot_hpo.experiments.exports.bundle.layout import CONFIRMED, DATA, JOURNAL, MADE
from oneshot_hpo.experiments.grids.grid import load_grid
from oneshot_hpo.search_spaces.data_folder import VARIABLE
from oneshot_hpo.search_spaces.rows_file import ROWS

RESULTS = Path(experiments.__file__).parent / "results"
MEASURED = ("supernets", "tables")
"""Folders with rows of analyses; every other one is a kept study."""
FOLDERS = sorted(path for path in RESULTS.iterdir() if path.is_dir() and path.name not in MEASURED)
SMALL = ("max_budget=4", "min_budget=1", "eta=2", "iterations=2", "seed=1")
LARGEST = 2 << 20
"""Bytes of a kept study."""


@pytest.fixture(autouse=True)
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any data."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))


@pytest.mark.slow
def test_a_finished_study_becomes_such_a_folder(tmp_path: Path) -> None:
    study = run_study(tmp_path / "study", *SMALL)
    confirm(study, 3)
    kept = tmp_path / "kept"
    ended = called("export", study, "--to", "folder", "--out", kept)
    assert ended.returncode == 0, ended.stderr
    check_kept(kept)

    ended = called("check", kept)
    assert ended.returncode == 0, ended.stdout
    assert "every decision replayed" in ended.stdout


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_kept_studies_are_sound(folder: Path) -> None:
    check_kept(folder)
    assert f"`{folder.name}`" in (RESULTS / "README.md").read_text()


def check_kept(folder: Path) -> None:
    """Raise AssertionError unless it has the files of a confirmed study, and all of them hold."""
    assert {path.name for path in folder.iterdir()} == {*DATA, *MADE}
    assert {JOURNAL, CONFIRMED, ROWS} <= {path.name for path in folder.iterdir()}
    assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST
    report = verify_bundle(folder)
    assert [finding.words for finding in report.findings] == []
    assert "every decision replayed" in report.checked
    done = [re.match(r"(\d+) of (\d+) ", words) for words in report.checked]
    counts = [found.groups() for found in done if found is not None]
    assert len(counts) == 2  # evaluations, and confirming runs: all of them
    assert all(finished == planned for finished, planned in counts)
    compared = [words for words in report.checked if "compared with the table" in words]
    assert len(compared) >= 2  # those of the study, and those of its confirmation


COMMAND = """#!/bin/sh
# Notes how it was called; the third call ends as a study that was stopped does.
echo "$@" >> calls
[ "$(wc -l < calls)" -ne 3 ] || [ -e stopped ] || { touch stopped; exit 1; }
"""


@pytest.mark.slow
def test_the_runs_are_every_study_of_the_grids_and_continue(tmp_path: Path) -> None:
    """The script with a command that notes its calls: order, folders, and the end at a stop."""
    command = tmp_path / "bin" / "oneshot-hpo"
    command.parent.mkdir()
    command.write_text(COMMAND)
    command.chmod(0o755)

    def run(*arguments: str) -> subprocess.CompletedProcess:
        path = f"{command.parent}:/usr/bin:/bin"
        words = ["sh", str(RESULTS / "run.sh"), *arguments]
        return subprocess.run(
            words, env={"PATH": path}, cwd=tmp_path, capture_output=True, text=True
        )

    assert run().returncode == 2
    assert run("runs/field").returncode == 1
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [words.split()[0] for words in calls] == ["launch", "export", "check"]

    assert run("runs/field").returncode == 0
    calls = (tmp_path / "calls").read_text().splitlines()[3:]
    launched = [words for words in calls if words.startswith("launch")]
    found = [re.findall(r"/([\w-]+)\.yaml --dir \S+ --only (\S+)$", words)[0] for words in launched]
    wanted = {
        (path.stem, member.name)
        for path in RESULTS.glob("*.yaml")
        for member in getattr(load_grid(str(path)), "members", ())
    }
    assert len(found) == len(set(found))
    assert set(found) == wanted
    assert found[:3] == [
        ("cifar10-small-cs2", f"{searcher}_space-1") for searcher in ("darts", "gdas", "pc_darts")
    ]
    for grid, name in found:
        own = f"{RESULTS}/{grid}_{name}"
        assert f"export runs/field/{grid}/{name} --to folder --out {own}" in calls
        assert f"check {own}" in calls


ANALYSE = """#!/bin/sh
# Notes how it was called and leaves rows as each analysis does; the second call fails.
echo "$@" >> calls
[ "$(wc -l < calls)" -ne 2 ] || exit 1
while [ "$1" != --dir ]; do shift; done
for name in precision correlation correlation_best1000 bias quality pruning stability \\
    regularisation; do echo rows > "$2/$name.csv"; done
"""


@pytest.mark.slow
def test_the_supernets_are_analysed_and_their_rows_kept(tmp_path: Path) -> None:
    """The script, copied elsewhere, with a command that notes its calls."""
    command = tmp_path / "bin" / "oneshot-hpo"
    command.parent.mkdir()
    command.write_text(ANALYSE)
    command.chmod(0o755)
    script = tmp_path / "results" / "supernets.sh"
    script.parent.mkdir()
    script.write_bytes((RESULTS / "supernets.sh").read_bytes())

    def run(*arguments: str) -> int:
        environment = {"PATH": f"{command.parent}:/usr/bin:/bin"}
        words = ["sh", str(script), *arguments]
        return subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True).returncode

    def kept() -> set[str]:
        return {path.stem for path in (script.parent / "supernets").iterdir()}

    assert run() == 2
    assert run("runs/supernets") == 1
    assert kept() == {"precision_space-1_random_ws"}
    assert run("runs/supernets") == 0

    searchers = ("random_ws", "darts", "gdas", "pc_darts")
    of_each = ("precision", "correlation", "correlation_best1000")
    wanted = {f"{one}_space-{n}_{name}" for one in of_each for n in (1, 2, 3) for name in searchers}
    wanted |= {f"bias_space-{n}_random_ws" for n in (1, 2, 3)}
    once = ("quality", "stability", "pruning")
    wanted |= {f"{one}_space-1_random_ws" for one in once}
    wanted.add("correlation_space-1_random_ws_finetuned")
    wanted |= {f"regularisation_space-3_{name}" for name in searchers[1:]}
    assert kept() == wanted

    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == len(wanted) + 1  # the one that failed was called twice, the kept one once
    app = get_command(analyze)
    for call in calls:
        _, name, *words = call.split()
        known = {option for one in app.commands[name].params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known
    assert run("runs/supernets") == 0
    assert len((tmp_path / "calls").read_text().splitlines()) == len(calls)
