"""A study file's `config_space`: a name, a file of ConfigSpace, or hyperparameters one by one.

    config_space: cs2                   # a name
    config_space: mine.json             # ConfigSpace's JSON or YAML, beside the study file
    config_space:                       # hyperparameters; hpo.space_document says what each may be
      learning_rate: {lower: 1e-3, upper: 1, log: true}
    config_space:                       # a name or a file with changes
      base: cs2
      remove: [cutout_prob]
      add: {momentum: {lower: 0.5, upper: 0.99}}
      learning_rate: {upper: 0.3}       # another end of a range

Every hyperparameter is a setting of the search. A range is of whole numbers if the setting is one.
The default is the entry's, else the study's setting of the search. A command knows no settings: its
hyperparameters have any names, a range is of whole numbers if its bounds are, and each has a
default. A frozen study holds the whole space, so later changes of the file have no effect.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.study.config_space_changes import changed, read_space
from oneshot_hpo.experiments.study.document import BASE, is_space_file
from oneshot_hpo.experiments.wording import number
from oneshot_hpo.hpo import Range, StudyError, configuration_space
from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.configuration_spaces import UNTUNED
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.space_document import (
    document_from_space,
    hyperparameters,
    space_from_document,
)
from oneshot_hpo.hpo.space_document.hyperparameters import hyperparameter_of
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SCALED, SettingsError
from oneshot_hpo.suggestions import did_you_mean

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

    from oneshot_hpo.experiments.study.specification import StudySpec

_RULES: dict[str, tuple[Any, ...]] = {"arch_weight_decay": (0,), "arch_learning_rate": (SCALED,)}
"""Values of settings that are not on the scale that a named space tunes."""
_VALUES = ("lower", "upper", "choices", "sequence", "constant", "default")
"""Keys of a hyperparameter that hold values of the setting, or lists of them."""


def space_of(spec: StudySpec) -> ConfigurationSpace:
    """The configuration space of a study that is complete. StudyError: it cannot be made."""
    if not isinstance(spec.config_space, str):
        return space_from_document(spec.config_space)
    if spec.command is not None:
        return space_from_document({})
    return _named(spec, spec.config_space, spec.search)


def named_space(given: str | Mapping[str, Any]) -> str:
    """The name of a study's configuration space, or of the one that its section changes."""
    return given if isinstance(given, str) else str(given.get(BASE, ""))


def default_configuration(document: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of the active hyperparameters of a complete document."""
    return dict(_default_of(json.dumps(document)))


@functools.lru_cache(maxsize=256)  # comparisons ask for the same ones again and again
def _default_of(document: str) -> dict[str, Any]:
    space = space_from_document(json.loads(document))
    return plain(dict(space.get_default_configuration()))


def _named(spec: StudySpec, name: str, defaults: Mapping[str, Any]) -> ConfigurationSpace:
    """The space of a name for the study's searcher and images, with these settings as defaults."""
    searcher = settings_class(spec.searcher)
    own = {
        setting: Range(getattr(searcher(), setting), tuned.low, tuned.high, tuned.log)
        for setting, tuned in searcher.own_ranges().items()
    }
    return configuration_space(
        name,
        image_size=spec.image_size,
        defaults={key: value for key, value in defaults.items() if value is not None},
        own=own,
        without=_left_out(spec),
    )


def _left_out(spec: StudySpec) -> frozenset[str]:
    """Settings that a named space does not tune in this study.

    The searcher does not use them, the study has a rule in place of their value, or it trains the
    architecture without weight decay, which the range of the decay does not hold.
    """
    ruled = {
        name for name, value in spec.search.items() if name in _RULES and value in _RULES[name]
    }
    return settings_class(spec.searcher).unused | ruled


def completed(spec: StudySpec) -> str | dict[str, Any]:
    """The configuration space of a study whose search is complete: a name, or the whole document.

    Raises UserError on one line: a file that is not there or holds no space, a name that is no
    setting, or one that the searcher does not use, a value that the setting refuses, a default
    that is missing or outside, and what `space_from_document` refuses.
    """
    given = spec.config_space
    if isinstance(given, str) and not is_space_file(given):
        if spec.command is None:
            space_of(spec)  # raises where there is no such name
        elif given != UNTUNED:
            raise UserError(
                f"config_space: {given} is of searchers of this project: give a command's "
                "hyperparameters one by one, as NAME: {lower: 0, upper: 1, default: 0.5}"
            )
        return given
    try:
        if isinstance(given, str):
            document = read_space(Path(given))
        else:
            # A name's own defaults are left out: the search has them.
            document = changed(given, functools.partial(_base, spec))
        if spec.command is None:
            document = _with_settings(spec, document)
        else:
            _check_has_defaults(document)
        space = space_from_document(document)
        if spec.command is None:
            _check_default(spec, space)
        if spec.iterations and not Encoding(space).dimensions:
            raise StudyError("it leaves nothing to tune: iterations has to be 0")
        whole = document_from_space(space)
    except ValueError as error:
        raise UserError(f"config_space: {one_line(error)}") from None
    return {key: whole[key] for key in (*hyperparameters(document), *whole)}


def _base(spec: StudySpec, name: str) -> dict[str, Any]:
    """The document of the space of a name, which another one changes."""
    if spec.command is not None:
        raise StudyError(f"base: {name} is of searchers of this project, not of a command")
    return document_from_space(_named(spec, name, {}))


def _check_has_defaults(document: Mapping[str, Any]) -> None:
    """Raise StudyError where the default configuration of a command is not said."""
    for name, entry in hyperparameters(document).items():
        hyperparameter_of(name, entry)
        if "constant" not in entry and "default" not in entry:
            raise StudyError(f"{name}: give its default, as what it runs with when it is not tuned")


def label(config_space: str | Mapping[str, Any]) -> str:
    """A space in a few words: its name, or the names or number of its hyperparameters."""
    if isinstance(config_space, str):
        return Path(config_space).stem if is_space_file(config_space) else config_space
    tuned = [
        name
        for name, entry in hyperparameters(config_space).items()
        if not (isinstance(entry, Mapping) and "constant" in entry)
    ]
    words = ", ".join(tuned) if len(tuned) <= 3 else f"{len(tuned)} hyperparameters"
    return f"its own space ({words})"


def space_lines(spec: StudySpec) -> list[str]:
    """The hyperparameters of a named space, as lines of a study file; none for other spaces."""
    space = space_of(spec)
    if not isinstance(spec.config_space, str) or not len(space):
        return []
    lines = [f"{spec.config_space} is what follows; such a section in its place tunes others:"]
    for name, entry in document_from_space(space).items():
        values = ", ".join(f"{key}: {json.dumps(value)}" for key, value in entry.items())
        lines.append(f"  {name}: {{{values}}}")
    return lines


def space_words(config_space: str | Mapping[str, Any]) -> dict[str, str]:
    """The entries of a space that has no name, in words by key: labels may be equal."""
    if isinstance(config_space, str):
        return {}
    return {key: _words(entry) for key, entry in config_space.items()}


def _words(entry: Any) -> str:
    """An entry of a document on one line: "in [0.001, 1], log", "of 16, 32", "at 16"."""
    values = [entry.get(key) for key in _VALUES] if isinstance(entry, Mapping) else []
    if not values or values.count(None) == len(values):
        return json.dumps(entry)
    lower, upper, choices, sequence, constant, default = values
    if lower is not None:
        log = ", log" if entry.get("log") else ""
        return f"in [{number(lower)}, {number(upper)}]{log}, by default {number(default)}"
    if isinstance(listed := choices or sequence, list):
        return f"of {', '.join(map(number, listed))}, by default {number(default)}"
    return f"at {number(constant)}"


def _with_settings(spec: StudySpec, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with values as the search keeps them, and with every default."""
    found = dict(document)
    entries = hyperparameters(document)
    for name, entry in entries.items():
        _check_name(spec, name)
        hyperparameter_of(name, entry)  # raises for what is none, whatever the setting is
        own = {
            key: _kept_values(spec, entries, name, value) if key in _VALUES else value
            for key, value in entry.items()
        }
        if "constant" not in own and "default" not in own:
            own["default"] = spec.search[name]
            _check_default_inside(name, own)
        found[name] = own
    return found


def _kept_values(spec: StudySpec, entries: Mapping[str, Any], name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_kept(spec, entries, name, one) for one in value]
    return _kept(spec, entries, name, value)


def _check_default_inside(name: str, entry: Mapping[str, Any]) -> None:
    """Raise StudyError where what the search is set to is not in a hyperparameter's range."""
    value = entry["default"]
    values = entry.get("choices", entry.get("sequence"))
    if values is not None:
        inside, words = value in values, f"one of {values}"
    else:
        lower, upper = entry["lower"], entry["upper"]
        inside = isinstance(value, int | float) and lower <= value <= upper
        words = f"in [{lower}, {upper}]"
    if not inside:
        raise StudyError(
            f"{name}: the default is the search's, which is {value!r} and not {words}: give a "
            f"default, or set search.{name}"
        )


def _check_name(spec: StudySpec, name: str) -> None:
    if name not in spec.search:
        raise StudyError(f"no search setting {name!r}: {did_you_mean(name, spec.search)}")
    if name in type(spec.search_settings).unused:
        raise StudyError(f"{name}: {spec.searcher} does not use it: tuning it changes nothing")


def _kept(spec: StudySpec, entries: Mapping[str, Any], name: str, value: Any) -> Any:
    """A value as the search keeps it, of the setting's type. StudyError: the search refuses it.

    Whether a value is valid may depend on another hyperparameter: it is accepted together with the
    study's settings, or with one value of one other hyperparameter in place of its setting.
    """
    try:
        return getattr(spec.checked_settings({name: value}), name)
    except SettingsError as error:
        alone = str(error)
    for other, with_it in _ends(entries):
        if other != name:
            try:
                return getattr(spec.checked_settings({name: value, other: with_it}), name)
            except SettingsError:
                continue
    raise StudyError(alone)


def _ends(entries: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values that entries name: the ends of ranges, choices, constants."""
    for name, entry in entries.items():
        if isinstance(entry, Mapping):
            for key in _VALUES:
                for value in entry[key] if isinstance(entry.get(key), list) else [entry.get(key)]:
                    if value is not None:
                        yield name, value


def _check_default(spec: StudySpec, space: ConfigurationSpace) -> None:
    """Raise StudyError where the search refuses the default configuration."""
    default = plain(dict(space.get_default_configuration()))
    try:
        spec.checked_settings(default)
    except SettingsError as error:
        raise StudyError(f"the default configuration is refused: {error}") from None
