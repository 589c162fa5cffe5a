"""Code of the user's that a study names: what a name refers to, whether it may run, its import.

    package.module:Name              in an installed module
    plugins/<sha256>/file.py:Name    in a file with this content; how a study records file.py:Name

A third part, after another colon, belongs to whoever reads the name: a table's data set.

Nothing of it runs before `allow`. What may run is kept by process; the tasks of a worker carry what
`allowed` returns.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from oneshot_hpo.errors import OneShotHpoError

COPIES = "plugins"
"""The folder, in a study's, of the files that it runs."""

_WORD = r"[A-Za-z_]\w*"
_MODULE = rf"(?![\w.]*\.py:){_WORD}(\.{_WORD})*"  # and no file beside something
_FILE = rf"{COPIES}/(?P<checksum>[0-9a-f]{{64}})/(?P<file>[^/:\s]+\.py)"
_REFERENCE = re.compile(
    rf"(?P<source>{_FILE}|{_MODULE}):(?P<name>{_WORD})(:(?P<rest>[^:]+))?", re.ASCII
)

_locations: dict[str, Path] = {}  # by checksum, a file with this content
_allowed: dict[str, None] = {}  # references without their rest, in the order of `allow`


class PluginError(OneShotHpoError, ValueError):
    """Something that is chosen by name cannot be used; the message is one line."""


class NotAllowed(PluginError):
    """Code that the user has not trusted would have to run."""


class BrokenPlugin(PluginError):
    """Code of the user's cannot be imported, or is not what it is used as."""


class InvalidResult(OneShotHpoError, RuntimeError):
    """A searcher, space or objective returned what cannot be used.

    That is a fact about its code: it would do so in every process.
    """


@dataclass(frozen=True)
class Reference:
    """A name of something in a module or in a file.

    source: "package.module", or "plugins/<sha256>/file.py". rest: what follows a second colon.
    """

    source: str
    name: str
    checksum: str | None = None
    """SHA-256 of the file; None: it is in a module."""
    rest: str | None = None

    @property
    def file(self) -> str | None:
        """The file's name; None: it is in a module."""
        return self.source.rpartition("/")[2] if self.checksum else None

    @property
    def target(self) -> str:
        """The object alone, "source:Name"."""
        return f"{self.source}:{self.name}"

    @property
    def label(self) -> str:
        """How the user wrote it."""
        words = [self.file or self.source, self.name, *([self.rest] if self.rest else [])]
        return ":".join(words)


def reference_of(text: str) -> Reference | None:
    """The reference that a text is; None: it is none."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    return Reference(match["source"], match["name"], match["checksum"], match["rest"])


def label_of(text: str) -> str:
    """A name as messages show it: of a file without its checksum."""
    reference = reference_of(text)
    return text if reference is None else reference.label


def reference_to(path: Path, name: str) -> str:
    """The reference to a name in a file, which is read now. Raises OSError."""
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    _locations[checksum] = path
    return f"{COPIES}/{checksum}/{path.name}:{name}"


def locate(reference: Reference, path: Path) -> None:
    """Say where a reference's file lies; its content is checked when it is imported."""
    assert reference.checksum is not None
    _locations[reference.checksum] = path


def location_of(reference: Reference) -> Path | None:
    """Where a reference's file lies, as far as this process knows."""
    return _locations.get(reference.checksum or "")


def content_of(reference: Reference) -> bytes:
    """The content of a reference's file. BrokenPlugin: it is missing, or was altered."""
    path = location_of(reference)
    try:
        if path is None:
            raise FileNotFoundError
        content = path.read_bytes()
    except OSError as error:
        why = error.strerror or "No such file or directory"
        raise BrokenPlugin(f"{reference.label}: {path or reference.source}: {why}") from None
    if hashlib.sha256(content).hexdigest() != reference.checksum:
        raise BrokenPlugin(
            f"{path} was altered: {reference.label} needs the file with SHA-256 "
            f"{reference.checksum}"
        )
    return content


def allow(reference: Reference) -> None:
    """Let a reference be imported in this process."""
    _allowed[reference.target] = None


def allowed() -> dict[str, str | None]:
    """What this process may import, with the locations of files; for `allow_all` elsewhere."""
    found = {}
    for target in _allowed:
        reference = reference_of(target)
        assert reference is not None
        path = location_of(reference)
        found[target] = None if path is None else str(path.resolve())
    return found


def allow_all(references: Mapping[str, str | None]) -> None:
    """Let everything be imported here that another process may import."""
    for target, path in references.items():
        reference = reference_of(target)
        assert reference is not None
        if path is not None:
            locate(reference, Path(path))
        allow(reference)


def packed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
    """A call for another process, as a function and its arguments, with what may be imported.

    Its arguments may be of classes in the user's files, which the process has to import first.
    """
    code = allowed()
    if not code:
        return (function, *arguments)
    return (_unpacked, code, pickle.dumps((function, arguments)))


def _unpacked(code: Mapping[str, str | None], call: bytes) -> Any:
    allow_all(code)
    for target in code:
        reference = reference_of(target)
        if reference is not None and reference.checksum is not None:
            imported(target, reference.label)
    function, arguments = pickle.loads(call)
    return function(*arguments)


def is_allowed(reference: Reference) -> bool:
    """Whether this process may import a reference."""
    return reference.target in _allowed


def imported(target: str, what: str, *, trusted: bool = False) -> Any:
    """The object that a reference or "module:Name" means; what: its name in messages.

    trusted: an installed package registered it. Raises NotAllowed, BrokenPlugin.
    """
    reference = reference_of(target)
    if reference is None:
        raise BrokenPlugin(f"{what}: {target} is not of the form module:Name")
    if not (trusted or is_allowed(reference)):
        raise NotAllowed(
            f"{what} is code that you have not trusted, so it does not run; "
            "`oneshot-hpo resume DIR` shows it, and with --trust trusts it"
        )

    try:
        module = _file(reference) if reference.checksum else import_module(reference.source)
    except BrokenPlugin:
        raise
    except (Exception, SystemExit) as error:  # whatever a module does when it is imported
        raise BrokenPlugin(f"{what} cannot be imported: {_fault(error)}") from None
    try:
        return getattr(module, reference.name)
    except AttributeError:
        where = reference.file or reference.source
        raise BrokenPlugin(f"{what}: there is no {reference.name} in {where}") from None


def place_of(error: BaseException) -> str:
    """The last line of a user's file that an exception went through, " (file, line N)", or ""."""
    files = {str(path) for path in _locations.values()}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in files]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def is_installed(reference: Reference) -> bool:
    """Whether the top-level package of a module is there; imports nothing."""
    return find_spec(reference.source.partition(".")[0]) is not None


def check_class(found: Any, base: type, what: str) -> None:
    """Raise BrokenPlugin unless an object is a complete class derived from `base`."""
    if not (isinstance(found, type) and issubclass(found, base)):
        raise BrokenPlugin(f"{what} is {_kind(found)}, not a class derived from {base.__name__}")
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise BrokenPlugin(f"{what} lacks what {base.__name__} asks for: {', '.join(missing)}")


def made(found: Any, base: type, what: str) -> Any:
    """An instance of `base`: the object itself, or what a class or function returns without
    arguments. Raises BrokenPlugin.
    """
    if isinstance(found, type) and issubclass(found, base):
        check_class(found, base, what)
    if callable(found) and not isinstance(found, base):
        try:
            found = found()
        except (Exception, SystemExit) as error:
            if isinstance(error, OneShotHpoError):
                raise
            raise BrokenPlugin(f"{what} cannot be made: {_fault(error)}") from None
    if not isinstance(found, base):
        raise BrokenPlugin(f"{what} is {_kind(found)}, not of the class {base.__name__}")
    return found


def _kind(found: Any) -> str:
    if isinstance(found, type):
        return f"the class {found.__name__}"
    return f"a {type(found).__name__}" if found is not None else "None"


def _file(reference: Reference) -> ModuleType:
    """The module in a file, imported once by its content."""
    name = _module_name(reference)
    if name in sys.modules:
        return sys.modules[name]
    content = content_of(reference)
    path = str(_locations[reference.checksum or ""])
    module = ModuleType(name)
    module.__file__ = path
    code = compile(content, path, "exec", dont_inherit=True)
    # Dataclasses look for the module of their class, and a space names its networks by it.
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@functools.cache
def _module_name(reference: Reference) -> str:
    assert reference.checksum is not None and reference.file is not None
    stem = re.sub(r"\W", "_", reference.file.removesuffix(".py"))
    return f"{stem}_{reference.checksum[:16]}"


def _fault(error: BaseException) -> str:
    """What went wrong and where, in a line: the last place in a file that is no importer's."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}: {error.msg}"
    places = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename != __file__
    ]
    words = f"{type(error).__name__}: {error}"
    if not places or "importlib" in places[-1].filename:
        return words
    return f"{places[-1].filename}, line {places[-1].lineno}: {words}"
