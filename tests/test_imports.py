"""The laws of the layout: who imports whom, what lies where, and how little a worker loads."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    *("figures", "grids", "report"),
}
SHARED = {"cli", "numbers", "pages", "studies", "study", "terminal"}
LOOSE = {"__init__", "errors", "files", "machine", "wording"}

LEAVES = {"checks", "plugins", "suggestions", "whole_files"}
"""Modules of oneshot_hpo/ that every room may import, for they import no room: what each room would
else have a copy of."""

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
    if "benchmarks" not in place:
        assert not any(name.startswith("oneshot_hpo.experiments.benchmarks") for name in names)
        assert "typer" not in names or place[:2] == ("experiments", "cli")


def test_leaves_import_the_standard_library_and_each_other() -> None:
    found = {path.stem for path in (ROOT / "oneshot_hpo").glob("*.py")} - {"__init__", "__main__"}
    assert found == LEAVES
    for name in LEAVES:
        names = imported((ROOT / "oneshot_hpo" / f"{name}.py").read_text())
        assert rooms_of(names) == set()
        assert tops_of(names) <= set(sys.stdlib_module_names) | {"oneshot_hpo"}


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


@pytest.mark.parametrize("module", ["experiments.study.trial", "cluster.worker_setup"])
def test_a_worker_loads_no_optimizer(module: str) -> None:
    loaded = loaded_by(f"import oneshot_hpo.{module}")
    assert not tops_of(loaded) & {"hpbandster", "statsmodels", "pandas", "rich"}
    assert "hpo" not in rooms_of(loaded)


@pytest.mark.parametrize("module", ["oneshot_hpo", "oneshot_hpo.experiments.cli.app"])
def test_what_is_imported_first_is_light(module: str) -> None:
    heavy = {"numpy", "torch", "sklearn", "scipy", "ConfigSpace", "hpbandster", "pandas"}
    assert not tops_of(loaded_by(f"import {module}")) & (heavy | {"distributed", "dask"})
