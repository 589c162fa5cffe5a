"""What can be chosen by name: every entry leads somewhere, and a wrong name is answered."""

import re
import subprocess
import sys
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from oneshot_hpo import plugins
from oneshot_hpo.experiments.errors import is_user_error
from oneshot_hpo.plugins import Entry, MissingPackage, UnknownName, entries, find, names
from oneshot_hpo.search_spaces import SearchSpace

ROOT = Path(__file__).parents[1]
KINDS = ("space", "table", "searcher", "method", "dataset", "export", "objective")
ALL = [entry for kind in KINDS for entry in entries(kind)]


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_every_entry_leads_to_something_that_can_be_called_or_is_a_space(entry: Entry) -> None:
    if entry.missing is not None:
        pytest.skip(entry.missing)
    found = find(entry.kind, entry.name)
    assert isinstance(found, SearchSpace) if entry.kind == "space" else callable(found)
    if entry.settings is not None:
        entry.load_settings()()


def test_entries_are_of_their_kind_and_names_are_unique() -> None:
    assert set(KINDS) == set(plugins._BUILT_IN)
    for kind in KINDS:
        assert {entry.kind for entry in entries(kind)} == {kind}
        assert len(set(names(kind))) == len(names(kind)) > 0
        assert all(entry.summary for entry in entries(kind))


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("searcher", "dart", "no searcher 'dart': did you mean darts? there are darts, "),
        ("space", "nasbench101", "no space 'nasbench101': did you mean nasbench101-3? there are "),
        ("method", "bohv", "no method 'bohv': did you mean bohb? there are rs, "),
        ("objective", "means", "no objective 'means': did you mean mean? there are mean, "),
        ("export", "excel", "no export 'excel': there are hpbandster, "),
        ("dataset", "cifar", "no dataset 'cifar': did you mean cifar10? there are digits, "),
    ],
)
def test_a_wrong_name_is_answered_with_what_there_is(kind: str, name: str, words: str) -> None:
    with pytest.raises(UnknownName) as unknown:
        find(kind, name)
    assert str(unknown.value).startswith(words) and is_user_error(unknown.value)


@pytest.mark.slow
def test_names_are_known_before_anything_is_imported() -> None:
    """Also: a kind brings in nothing of another kind's package."""
    script = """
import sys
from oneshot_hpo import plugins
assert not [name for name in sys.modules if name.startswith("oneshot_hpo.") and name.count(".") > 1]
plugins.names("export"), plugins.names("method")
assert "oneshot_hpo.searchers" not in sys.modules
plugins.names("searcher"), plugins.names("dataset")
plugins.entry("searcher", "gdas").load_settings()()
plugins.entry("method", "smac").load_settings()()
print(*{name.split(".")[0] for name, module in sys.modules.items() if module})
"""
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"torch", "sklearn", "smac", "tensorboard", "optuna", "hpbandster"} & set(loaded)


def test_extras_are_those_of_the_setup() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    assert set(plugins._EXTRAS) == set(extras) - {"dev", "fuzz"}
    for extra, package in plugins._EXTRAS.items():
        # A distribution may have a longer name than its package, as mlflow-skinny.
        assert re.search(rf"\n{package}(-\w+)?>=", extras[extra])
    assert "oneshot-hpo[smac,figures,export,mlflow]" in extras["dev"]
    assert "oneshot-hpo[baselines]" in extras["smac"]


def test_a_missing_extra_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smac", None)
    assert find_spec("smac") is None
    line = "method smac needs the package smac: pip install 'oneshot-hpo[smac]'"
    assert plugins.entry("method", "smac").missing == line
    with pytest.raises(MissingPackage) as missing:
        find("method", "smac")
    assert str(missing.value) == line and is_user_error(missing.value)


def test_a_fault_of_our_own_imports_is_no_missing_package() -> None:
    broken = Entry(kind="searcher", name="x", target="oneshot_hpo.searchers.none:X", summary="-")
    with pytest.raises(ModuleNotFoundError):
        broken.load()
