"""Code of the user's by name: what a name refers to, when it may run, and what its faults read."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneshot_hpo import foreign, plugins
from oneshot_hpo.foreign import BrokenPlugin, NotAllowed, imported, made, reference_of
from oneshot_hpo.plugins import UnknownName, entry, is_name

CHECKSUM = "0" * 64


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "_allowed", {})
    monkeypatch.setattr(foreign, "_locations", {})


def named(path: Path, text: str, name: str = "Thing", *, allowed: bool = True) -> str:
    """A reference to a name in a new file."""
    path.write_text(text)
    target = foreign.reference_to(path, name)
    reference = reference_of(target)
    assert reference is not None
    if allowed:
        foreign.allow(reference)
    return target


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("package.module:Name", "package.module:Name"),
        ("module:Name:cifar100", "module:Name:cifar100"),
        (f"plugins/{CHECKSUM}/my-file.py:Name", "my-file.py:Name"),
        (f"plugins/{CHECKSUM}/mine.py:Name:task", "mine.py:Name:task"),
    ],
)
def test_a_reference_is_shown_as_the_user_wrote_it(text: str, label: str) -> None:
    reference = reference_of(text)
    assert reference is not None and reference.label == label == foreign.label_of(text)


@pytest.mark.parametrize(
    "text",
    [
        *("darts", "1", "images.npz", "/tables/mine.npz", "mine.py:Name", "../mine.py:Name"),
        *(f"plugins/{CHECKSUM}/../mine.py:Name", f"/plugins/{CHECKSUM}/mine.py:Name"),
        *("module:", ":Name", "module:Na me", "a:b:c:d", "module:a.b", f"plugins/{CHECKSUM}/a:B"),
    ],
)
def test_other_names_and_paths_are_no_references(text: str) -> None:
    assert reference_of(text) is None and foreign.label_of(text) == text


def test_a_file_is_imported_by_its_content_and_only_once_it_may_be(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    text = f"from pathlib import Path\nPath({str(mark)!r}).touch()\nThing = object()\n"
    target = named(tmp_path / "mine.py", text, allowed=False)
    assert target == f"plugins/{hashlib.sha256(text.encode()).hexdigest()}/mine.py:Thing"
    with pytest.raises(NotAllowed, match=r"searcher mine\.py:Thing is code that you have not"):
        imported(target, "searcher mine.py:Thing")
    assert not mark.exists()

    reference = reference_of(target)
    assert reference is not None
    foreign.allow(reference)
    assert imported(target, "-") is imported(target, "-")
    assert mark.exists()


def test_a_file_that_was_altered_is_not_imported(tmp_path: Path) -> None:
    target = named(tmp_path / "mine.py", "Thing = 1")
    (tmp_path / "mine.py").write_text("Thing = 2")
    with pytest.raises(BrokenPlugin, match=r"mine\.py was altered: mine\.py:Thing needs the file"):
        imported(target, "-")
    (tmp_path / "mine.py").unlink()
    with pytest.raises(BrokenPlugin, match="No such file"):
        imported(target, "-")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\nclass (", r"table mine cannot be imported: \S+mine\.py, line 2: invalid syntax"),
        ("\nimport nowhere_at_all", r"mine\.py, line 2: ModuleNotFoundError: No module named 'now"),
        ("import sys\nsys.exit(3)", r"mine\.py, line 2: SystemExit: 3"),
        ("def f():\n  1 / 0\nf()", r"mine\.py, line 2: ZeroDivisionError: division by zero"),
        ("thing = 1", r"table mine: there is no Thing in mine\.py"),
    ],
)
def test_what_a_file_does_wrong_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    target = named(tmp_path / "mine.py", text)
    with pytest.raises(BrokenPlugin, match=words) as fault:
        imported(target, "table mine")
    assert "\n" not in str(fault.value)
    reference = reference_of(target)
    assert reference is not None
    was_imported = "there is no" in words
    assert (foreign._module_name(reference) in sys.modules) == was_imported


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Thing = 3", "table mine is a int, not of the class Path"),
        ("class Thing: pass", "table mine is a Thing, not of the class Path"),
        ("def Thing(): return {}['a']", "table mine cannot be made: .*line 1: KeyError: 'a'"),
        ("def Thing(one): pass", "table mine cannot be made: TypeError: .* argument: 'one'"),
    ],
)
def test_what_is_of_the_wrong_kind_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    found = imported(named(tmp_path / "mine.py", text), "-")
    with pytest.raises(BrokenPlugin, match=words):
        made(found, Path, "table mine")


def test_what_another_process_may_import_comes_with_a_task(tmp_path: Path) -> None:
    target = named(tmp_path / "mine.py", "class Thing:\n  def __init__(self, x): self.x = x")
    thing = imported(target, "-")(5)
    function, code, call = foreign.packed(repr_of, thing)
    assert code == {target: str(tmp_path / "mine.py")}
    script = (
        "import sys, pickle; from oneshot_hpo import foreign;"
        f"print(foreign._unpacked({code!r}, {call!r}))"
    )
    folder = Path(__file__).parents[1]
    output = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    assert output == "5\n"
    assert function(code, call) == 5


def repr_of(thing: object) -> object:
    return vars(thing)["x"]


@pytest.fixture
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that registers a searcher, and one that is broken."""
    info = tmp_path / "my_package-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.2\n")
    points = "[oneshot_hpo.searchers]\nown = my_package.own:Own\nbroken = my_package.broken:B\n"
    (info / "entry_points.txt").write_text(points)
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "own.py").write_text("class Own: pass\n")
    (package / "broken.py").write_text("import nowhere_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    plugins.registered.cache_clear()
    yield
    plugins.registered.cache_clear()
    for name in ("my_package", "my_package.own", "my_package.broken"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("_package")
def test_an_installed_package_registers_names_and_is_not_imported_for_them() -> None:
    own = entry("searcher", "own")
    assert (own.target, own.package) == ("my_package.own:Own", "my-package")
    assert is_name("searcher", "broken") and not is_name("searcher", "other")
    assert "my_package" not in sys.modules
    with pytest.raises(UnknownName, match="did you mean own"):
        entry("searcher", "owm")

    assert own.load().__name__ == "Own"
    with pytest.raises(BrokenPlugin, match=r"searcher broken \(of my-package\) cannot be imported"):
        entry("searcher", "broken").load()
    assert plugins.find("searcher", "darts").__name__ == "Darts"


@pytest.mark.usefixtures("_package")
def test_a_module_is_named_directly_and_needs_trust() -> None:
    own = entry("searcher", "my_package.own:Own")
    assert own.package is None
    with pytest.raises(NotAllowed):
        own.load()
    reference = reference_of(own.target)
    assert reference is not None
    foreign.allow(reference)
    assert own.load().__name__ == "Own"
    with pytest.raises(UnknownName, match=r"no module nowhere_at_all\.own is installed"):
        entry("searcher", "nowhere_at_all.own:Own")


def test_built_in_names_are_found_without_a_look_at_installed_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugins.metadata, "entry_points", None)
    plugins.registered.cache_clear()
    for kind, name in (("searcher", "darts"), ("space", "darts"), ("table", "digits")):
        assert is_name(kind, name) and entry(kind, name).is_built_in
    assert not is_name("dataset", "/images/mine.npz")
