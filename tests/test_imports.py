"""The laws of the layout: who imports whom, what lies where, and how little a worker loads."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import oneshot_hpo

ROOT = Path(__file__).parents[1]
ROOMS = ("search_spaces", "searchers", "hpo", "cluster", "experiments")

MAY_IMPORT = {
    "search_spaces": {"search_spaces"},
    "searchers": {"searchers", "search_spaces"},
    "hpo": {"hpo"},
    "cluster": {"cluster"},
    "experiments": set(ROOMS),
}
MUST_NOT_IMPORT = {
    "search_spaces": {"torch", "dask", "distributed", "hpbandster"},
    "searchers": {"dask", "distributed", "hpbandster", "statsmodels", "pandas"},
    "hpo": {"torch", "dask", "distributed"},
    "cluster": {"torch", "hpbandster", "statsmodels", "pandas"},
    "experiments": set(),
}
VERBS = {
    *("analyze", "atlas", "baselines", "check", "compare", "confirm", "data", "exports"),
    *("figures", "forecast", "grids", "report"),
}
SHARED = {
    *("cli", "numbers", "objectives", "pages", "sequential", "studies", "study", "terminal"),
    "warm_start",
}
CONSOLE = {"rich", "rich.console"}
"""What anything may import of rich: the type of what `terminal/` prints on."""
DRAWS = {"experiments/confirm/display.py", "experiments/study/status.py"}
"""Panels of rich outside `terminal/`."""
LOOSE = {"__init__", "errors", "files", "machine", "wording"}

LEAVES = {"checks", "errors", "foreign", "plugins", "suggestions", "whole_files"}
"""Modules of oneshot_hpo/ that every room may import, for they import no room: what each room would
else have a copy of."""

CONTRACTS = sorted((ROOT / "oneshot_hpo" / "contracts").glob("*.py"))
"""Suites for plug-ins' tests: nothing of ours imports them, for users need no pytest."""

MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def imported(source: str) -> set[str]:
    """Modules that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            names.add(node.module)
            if node.module == "oneshot_hpo":
                names |= {f"oneshot_hpo.{alias.name}" for alias in node.names}
    return names


def used_of_the_door(source: str) -> set[str]:
    """Promised names that a module takes from the door, not from the package that owns them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "oneshot_hpo":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {node.attr} if node.value.id == "oneshot_hpo" else set()
    return found & {*oneshot_hpo.__all__, "*"}


def rooms_of(names: set[str]) -> set[str]:
    """The rooms of this project among imported modules."""
    return {name.split(".")[1] for name in names if name.startswith("oneshot_hpo.")} & set(ROOMS)


def tops_of(names: set[str]) -> set[str]:
    """The top-level packages of imported modules."""
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_along_the_arrows(path: Path) -> None:
    place = path.relative_to(ROOT).parts
    names = imported(path.read_text())
    assert rooms_of(names) <= MAY_IMPORT[place[0]]
    assert not tops_of(names) & MUST_NOT_IMPORT[place[0]]
    assert not tops_of(names) & {"tests", "support"}
    if "examples" not in place:
        assert "pytest" not in tops_of(names)
        assert not any(name.startswith("oneshot_hpo.contracts") for name in names)
        assert not used_of_the_door(path.read_text())
    if "benchmarks" not in place:
        assert not any(name.startswith("oneshot_hpo.experiments.benchmarks") for name in names)
        if place[:2] != ("experiments", "cli"):
            assert "typer" not in names
            assert not any(name.startswith("oneshot_hpo.experiments.cli") for name in names)


def test_leaves_import_the_standard_library_and_each_other() -> None:
    found = {path.stem for path in (ROOT / "oneshot_hpo").glob("*.py")} - {"__init__", "__main__"}
    assert found == LEAVES
    for name in LEAVES:
        names = imported((ROOT / "oneshot_hpo" / f"{name}.py").read_text())
        assert rooms_of(names) == set()
        assert not any(one.startswith("oneshot_hpo.contracts") for one in names)
        assert tops_of(names) <= set(sys.stdlib_module_names) | {"oneshot_hpo"}


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_contracts_import_what_a_plug_in_may_import(path: Path) -> None:
    names = imported(path.read_text())
    assert rooms_of(names) <= {"search_spaces", "searchers", "experiments"}
    assert not tops_of(names) & {"tests", "support", *MUST_NOT_IMPORT["searchers"]}
    assert not used_of_the_door(path.read_text())


def is_shown_elsewhere(path: Path) -> bool:
    """Whether a module of `experiments/` leaves printing to the command line and the terminal."""
    place = path.relative_to(ROOT).parts
    return place[0] == "experiments" and place[1] not in (
        *("cli", "terminal", "benchmarks", "examples"),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if is_shown_elsewhere(path)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_printing_goes_through_the_terminal(path: Path) -> None:
    source = path.read_text()
    if str(path.relative_to(ROOT)) not in DRAWS:
        assert {name for name in imported(source) if name.startswith("rich")} <= CONSOLE
        assert not prints(source), "say it by terminal/hints.py or terminal/tables.py"


def prints(source: str) -> list[int]:
    """The lines on which a module prints by hand, on a console or without one."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = {"print", "echo"}
    return [
        call.lineno
        for call in calls
        if getattr(call.func, "attr", getattr(call.func, "id", "")) in names
    ]


def test_exit_codes_are_the_command_lines() -> None:
    sources = {path: path.read_text() for path in MODULES if is_shown_elsewhere(path)}
    exits = re.compile(r"sys\.exit|SystemExit|typer\.Exit|\bexit_codes")
    assert [path for path, source in sources.items() if exits.search(source)] == []


def test_the_check_sees_every_way_to_print() -> None:
    assert prints("print(1)\nconsole.print(2)\nself.live.console.print(3)\necho(4)") == [1, 2, 3, 4]
    assert prints("say(console, 'print(1)')\nprint_table(console)") == []


def test_the_check_sees_every_use_of_the_door() -> None:
    source = "from oneshot_hpo import hpo, launch\nimport oneshot_hpo\noneshot_hpo.search()"
    assert used_of_the_door(source) == {"launch", "search"}
    assert used_of_the_door("import oneshot_hpo\noneshot_hpo.__file__") == set()


@pytest.mark.slow
def test_everything_has_one_import_name() -> None:
    bare = {path: tops_of(imported(path.read_text())) & set(ROOMS) for path in (*MODULES, *TESTS)}
    assert {path: names for path, names in bare.items() if names} == {}


def test_the_folders_of_experiments_are_verbs_and_what_they_share() -> None:
    folders = {path.parent.name for path in (ROOT / "experiments").glob("*/__init__.py")}
    assert folders == (VERBS | SHARED | {"benchmarks"}) - {"studies"}
    assert {path.stem for path in (ROOT / "experiments").glob("*.py")} == LOOSE
    assert {path.name for path in (ROOT / "experiments" / "cli").glob("*.py")} >= {
        f"{verb}.py" for verb in VERBS - {"analyze", "grids"}
    }


def test_the_check_sees_every_kind_of_import() -> None:
    source = """
import dask.config as configuration
def later():
    from hpbandster.core import master
    from oneshot_hpo import hpo
if TYPE_CHECKING:
    import torch, numpy
"""
    names = imported(source)
    assert tops_of(names) == {"dask", "hpbandster", "oneshot_hpo", "torch", "numpy"}
    assert rooms_of(names) == {"hpo"}


def loaded_by(statement: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after a statement."""
    script = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"HOME": "/nowhere"},  # where there are no settings of Dask's
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return set(output.split())


@pytest.mark.slow
@pytest.mark.parametrize("module", ["experiments.study.trial", "cluster.worker_setup"])
def test_a_worker_loads_no_optimizer(module: str) -> None:
    loaded = loaded_by(f"import oneshot_hpo.{module}")
    assert not tops_of(loaded) & {"hpbandster", "statsmodels", "pandas", "rich"}
    assert "hpo" not in rooms_of(loaded)


@pytest.mark.parametrize("module", ["oneshot_hpo", "oneshot_hpo.experiments.cli.app"])
def test_what_is_imported_first_is_light(module: str) -> None:
    heavy = {"numpy", "torch", "sklearn", "scipy", "ConfigSpace", "hpbandster", "pandas"}
    assert not tops_of(loaded_by(f"import {module}")) & (heavy | {"distributed", "dask"})
