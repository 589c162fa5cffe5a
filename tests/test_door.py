"""The Python door: promised names, what their import loads, and their exceptions."""

import ast
import inspect
import sys
from importlib import import_module
from pathlib import Path

import pytest
from support.processes import run

import oneshot_hpo

ROOT = Path(__file__).parents[1]
ROOMS = ("search_spaces", "searchers", "hpo", "cluster", "experiments")
BASES = {
    "search_spaces": "SpaceError",
    "searchers": "SearchError",
    "hpo": "HpoError",
    "cluster": "ClusterError",
    "experiments": "ExperimentError",
}
NO_ERRORS = {
    *("TaskStopped", "TaskFailed", "SearchStopped", "HandedOver"),
    *("Interrupted", "CommandInterrupted", "ObjectiveStopped"),
    *("TaskLost", "CommandLost", "CommandStopped"),
}
"""Exceptions that carry work from one place to another inside; a caller never sees them."""


@pytest.mark.parametrize("name", oneshot_hpo.__all__)
def test_a_promised_name_is_documented_by_the_package_that_owns_it(name: str) -> None:
    value = getattr(oneshot_hpo, name)
    assert inspect.getdoc(value)
    module = f"oneshot_hpo.{oneshot_hpo._OWNERS[name]}"
    assert (value.__module__, value.__name__) == (module, name)
    assert name in dir(oneshot_hpo)


def test_type_checkers_see_the_names_that_are_promised() -> None:
    tree = ast.parse((ROOT / "oneshot_hpo" / "__init__.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {
        alias.asname: node.module
        for node in imports
        for alias in node.names
        if alias.asname is not None
    }
    assert seen == {name: f"oneshot_hpo.{owner}" for name, owner in oneshot_hpo._OWNERS.items()}


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lunch'"):
        _ = oneshot_hpo.lunch


def test_importing_the_door_loads_nothing_before_a_name_is_used() -> None:
    script = (
        "import sys; before = set(sys.modules); import oneshot_hpo; dir(oneshot_hpo);"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = run([sys.executable, "-c", script]).stdout.split()
    others = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    assert others == {"oneshot_hpo"}


def errors_of(room: str) -> list[type]:
    """The exceptions that the modules of a room define, but for private ones and benchmarks'."""
    found = []
    for path in (ROOT / room).rglob("*.py"):
        if "benchmarks" in path.parts or "examples" in path.parts:
            continue
        names = [
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.ClassDef) and node.bases and not node.name.startswith("_")
        ]
        if names:
            place = path.relative_to(ROOT).with_suffix("")
            module = import_module("oneshot_hpo." + ".".join(place.parts))
            classes = [getattr(module, name) for name in names]
            found += [one for one in classes if issubclass(one, BaseException)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("room", ROOMS)
def test_every_error_of_a_package_has_the_package_s_base(room: str) -> None:
    base = getattr(oneshot_hpo, BASES[room])
    assert issubclass(base, oneshot_hpo.OneShotHpoError)
    found = errors_of(room)
    assert base in found
    assert {one.__name__ for one in found if not issubclass(one, base)} <= NO_ERRORS


def test_the_command_line_is_a_module_too() -> None:
    ended = run([sys.executable, "-m", "oneshot_hpo", "--version"])
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("oneshot-hpo ")
