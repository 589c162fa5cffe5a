"""Who imports whom: the arrows between the packages, and how little a worker loads."""

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
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported_packages(source: str) -> set[str]:
    """Top-level names that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_along_the_arrows(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    imported = imported_packages(path.read_text())
    assert imported & set(ROOMS) <= MAY_IMPORT[room]
    assert not imported & MUST_NOT_IMPORT[room]
    assert "tests" not in imported


def test_the_check_sees_every_kind_of_import() -> None:
    source = """
import dask.config as configuration
def later():
    from hpbandster.core import master
if TYPE_CHECKING:
    import torch, numpy
"""
    assert imported_packages(source) == {"dask", "hpbandster", "torch", "numpy"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after a statement."""
    script = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    output = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"HOME": "/nowhere"},  # where there are no settings of Dask's
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name.split(".")[0] for name in output.split()}


@pytest.mark.parametrize(
    "statement", ["import experiments.study.trial", "import cluster.worker_setup"]
)
def test_a_worker_loads_no_optimizer(statement: str) -> None:
    assert not loaded_by(statement) & {"hpo", "hpbandster", "statsmodels", "pandas", "rich"}


def test_the_command_line_starts_light() -> None:
    heavy = {
        "numpy",
        "torch",
        "sklearn",
        "scipy",
        "ConfigSpace",
        "hpbandster",
        "distributed",
        "dask",
    }
    assert not loaded_by("import experiments.cli") & heavy
