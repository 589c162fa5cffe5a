"""What can be chosen by name: one kind of record for all of it, and where the records are.

An entry names what it stands for as "module:Name"; nothing of that is imported before it is used.
The entries that come with this project are declared in the package that owns them, in a module with
a tuple ENTRIES. This module imports nothing of ours, so that every package may import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from oneshot_hpo.errors import OneShotHpoError
from oneshot_hpo.suggestions import did_you_mean

_BUILT_IN = {
    "space": "oneshot_hpo.search_spaces.registry",
    "searcher": "oneshot_hpo.searchers.registry",
    "method": "oneshot_hpo.hpo.baselines.registry",
    "dataset": "oneshot_hpo.searchers.data.registry",
    "export": "oneshot_hpo.experiments.exports.registry",
    "objective": "oneshot_hpo.experiments.objectives.registry",
}
"""By kind, the module whose ENTRIES are built in."""

_EXTRAS = {
    "smac": "smac",
    "baselines": "pyarrow",
    "figures": "matplotlib",
    "export": "tensorboard",
}
"""By extra of this project, as setup.cfg has them, the package whose absence says that it lacks."""


class UnknownName(OneShotHpoError, ValueError):
    """Nothing of this kind has this name; the message says which there are."""


class MissingPackage(OneShotHpoError, ValueError):
    """A package is not installed that is needed here alone; the message says how to install it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that can be chosen by name."""

    kind: str
    """What it is: space, searcher, method, dataset, export or objective."""
    name: str
    """How a user calls it."""
    target: str
    """The object itself, as "module:Name"."""
    summary: str
    """What it is, in a line."""
    settings: str | None = None
    """Its dataclass of settings, as "module:Name": readable where the target cannot be imported."""
    extra: str | None = None
    """The extra of this project that it needs."""

    @property
    def missing(self) -> str | None:
        """That its extra is not installed, and what to do; None if nothing is missing."""
        return None if self.extra is None else _missing(self.extra, f"{self.kind} {self.name}")

    def load(self) -> Any:
        """The object itself. MissingPackage: a package that it needs is not installed."""
        if self.missing is not None:
            raise MissingPackage(self.missing)
        try:
            return _loaded(self.target)
        except ModuleNotFoundError as error:
            package = (error.name or "").split(".")[0]
            if package in ("", __package__):
                raise
            raise MissingPackage(_needs(f"{self.kind} {self.name}", package, package)) from None

    def load_settings(self) -> Any:
        """Its dataclass of settings; for an entry that has one."""
        assert self.settings is not None
        return _loaded(self.settings)


def entries(kind: str) -> tuple[Entry, ...]:
    """All of a kind, in the order in which they are declared."""
    found: tuple[Entry, ...] = import_module(_BUILT_IN[kind]).ENTRIES
    return found


def names(kind: str) -> list[str]:
    """The names of all of a kind."""
    return [entry.name for entry in entries(kind)]


def entry(kind: str, name: str) -> Entry:
    """The record of a name; imports nothing of what it stands for. Raises UnknownName."""
    for one in entries(kind):
        if one.name == name:
            return one
    raise UnknownName(f"no {kind} {name!r}: {did_you_mean(name, names(kind), with_all=True)}")


def find(kind: str, name: str) -> Any:
    """The object that a name stands for. Raises UnknownName, MissingPackage."""
    return entry(kind, name).load()


def require_extra(extra: str, what: str) -> None:
    """Raise MissingPackage, which names `what` needs it, unless an extra is installed."""
    missing = _missing(extra, what)
    if missing is not None:
        raise MissingPackage(missing)


def _missing(extra: str, what: str) -> str | None:
    package = _EXTRAS[extra]
    if find_spec(package) is not None:
        return None
    return _needs(what, package, f"'oneshot-hpo[{extra}]'")


def _needs(what: str, package: str, requirement: str) -> str:
    return f"{what} needs the package {package}: pip install {requirement}"


def _loaded(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
