"""What can be chosen by name: one kind of record for all of it, and where the records are.

An entry names what it stands for as "module:Name"; nothing of that is imported before it is used.
The entries that come with this project are declared in the package that owns them, in a module with
a tuple ENTRIES. Others are registered by installed packages, as entry points of the groups below,
or are named directly, by module or file (see `foreign`). This module imports none of our packages,
so that all of them may import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from oneshot_hpo import foreign
from oneshot_hpo.foreign import PluginError
from oneshot_hpo.suggestions import did_you_mean

_OWN = "oneshot-hpo"
"""This distribution."""

_BUILT_IN = {
    "space": "oneshot_hpo.search_spaces.registry",
    "table": "oneshot_hpo.search_spaces.table_registry",
    "searcher": "oneshot_hpo.searchers.registry",
    "method": "oneshot_hpo.hpo.baselines.registry",
    "dataset": "oneshot_hpo.searchers.data.registry",
    "export": "oneshot_hpo.experiments.exports.registry",
    "objective": "oneshot_hpo.experiments.objectives.registry",
}
"""By kind, the module whose ENTRIES are built in."""

GROUPS = {
    "searcher": "oneshot_hpo.searchers",
    "space": "oneshot_hpo.search_spaces",
    "table": "oneshot_hpo.tables",
    "dataset": "oneshot_hpo.datasets",
    "objective": "oneshot_hpo.objectives",
}
"""By kind that may be a user's own, and that a study file has a key for, the group of its entry
points."""

_EXTRAS = {
    "smac": "smac",
    "baselines": "pyarrow",
    "figures": "matplotlib",
    "export": "tensorboard",
    "mlflow": "mlflow",
}
"""By extra of this project, as setup.cfg has them, the package whose absence says that it lacks."""


class UnknownName(PluginError):
    """Nothing of this kind has this name; the message says which there are."""


class MissingPackage(PluginError):
    """A package is not installed that is needed here alone; the message says how to install it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that can be chosen by name."""

    kind: str
    """What it is: space, table, searcher, method, dataset, objective or export."""
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
    package: str | None = _OWN
    """The installed distribution that registers it; None: a study names it by module or file."""

    @property
    def label(self) -> str:
        """Its kind and name in messages, and who registered it."""
        by = f" (of {self.package})" if self.package not in (None, _OWN) else ""
        return f"{self.kind} {foreign.label_of(self.name)}{by}"

    @property
    def is_built_in(self) -> bool:
        """Whether it comes with this project."""
        return self.package == _OWN

    @property
    def missing(self) -> str | None:
        """That its extra is not installed, and what to do; None if nothing is missing."""
        return None if self.extra is None else _missing(self.extra, f"{self.kind} {self.name}")

    def load(self) -> Any:
        """The object itself. MissingPackage: a package that it needs is not installed.

        Of others than built-in ones: NotAllowed, BrokenPlugin.
        """
        if not self.is_built_in:
            trusted = self.package is not None
            return foreign.imported(self.target, self.label, trusted=trusted)
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
    """All built-in ones of a kind, in the order in which they are declared."""
    if kind not in _BUILT_IN:
        return ()
    found: tuple[Entry, ...] = import_module(_BUILT_IN[kind]).ENTRIES
    return found


def names(kind: str) -> list[str]:
    """The names of all built-in ones of a kind."""
    return [entry.name for entry in entries(kind)]


@cache
def registered(kind: str) -> Mapping[str, Entry]:
    """By name, what installed packages register of a kind; imports nothing of them.

    Looking through all installed packages takes a while: ask for built-in names first.
    """
    if kind not in GROUPS:
        return {}
    return {
        point.name: Entry(
            kind=kind,
            name=point.name,
            target=point.value,
            summary="",
            package=point.dist.name if point.dist is not None else "an installed package",
        )
        for point in metadata.entry_points(group=GROUPS[kind])
    }


def entry(kind: str, name: str) -> Entry:
    """The record of a name: built in, named by module or file, or registered by a package.

    Imports nothing of what it stands for. Raises UnknownName.
    """
    for one in entries(kind):
        if one.name == name:
            return one

    reference = foreign.reference_of(name) if kind in GROUPS else None
    if reference is not None and (reference.checksum or foreign.is_installed(reference)):
        return Entry(kind=kind, name=name, target=reference.target, summary="", package=None)

    others = registered(kind)
    if name in others:
        return others[name]
    module = f"; no module {reference.source} is installed" if reference is not None else ""
    hint = did_you_mean(name, [*names(kind), *sorted(others)], with_all=True)
    raise UnknownName(f"no {kind} {name!r}: {hint}{module}")


def is_name(kind: str, text: str) -> bool:
    """Whether a text names something of a kind, in whatever way; imports nothing of it."""
    if text in names(kind) or foreign.reference_of(text) is not None:
        return True
    return "/" not in text and text in registered(kind)


def find(kind: str, name: str) -> Any:
    """The object that a name stands for.

    Raises UnknownName, MissingPackage, foreign.NotAllowed or foreign.BrokenPlugin.
    """
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
