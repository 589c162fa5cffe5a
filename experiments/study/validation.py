"""The specification in a study file: read, and checked as far as it can be without data or code."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic

from oneshot_hpo.experiments.errors import StudyFileError, UserError, one_line
from oneshot_hpo.experiments.objectives.section import OF_TABLE, chosen
from oneshot_hpo.experiments.study import command_keys, notice_keys
from oneshot_hpo.experiments.study.document import (
    GRID,
    override_key,
    parse_overrides,
    read_document,
)
from oneshot_hpo.experiments.study.specification import OPTIMIZER_KEYS, SECTIONS, WRITTEN, StudySpec
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.experiments.wording import unknown_key
from oneshot_hpo.plugins import names

_CHANGEABLE = ("cluster", "track")
"""Keys that no result depends on, which may change while a study is under way."""


def load_study(source: str, overrides: Sequence[str] = ()) -> StudySpec:
    """Read a study file, or a shipped study by its name, and lay KEY=VALUE overrides over it.

    StudyFileError: anything wrong, on one line.
    """
    document = read_document(source, overrides)
    if GRID in document:
        raise StudyFileError(f"{source}: is a grid of studies; {command('launch', source)} runs it")
    return validated(document, source)


def with_overrides(spec: StudySpec, overrides: Sequence[str]) -> StudySpec:
    """An existing study with KEY=VALUE overrides of how its workers run and who follows it.

    StudyFileError: anything wrong, or a key that affects results.
    """
    document = parse_overrides(overrides)
    for key in document:
        if key not in _CHANGEABLE:
            raise StudyFileError(
                f"--set {key}: in an existing study only cluster.KEY, track and the paths of "
                "dataset and table may change; extend changes iterations, max_budget and stop"
            )
    if not document:
        return spec
    changed = spec.model_dump(include=set(_CHANGEABLE))
    for override in overrides:
        override_key(changed, override)
    spec = validated(spec.model_dump() | changed, "--set")
    return spec.model_copy(update={"cluster": spec.cluster.completed()})


def validated(document: Any, origin: str) -> StudySpec:
    """The specification in a document. StudyFileError, which begins with `origin`: it is wrong.

    What needs data, tables or code of the user's to check is left to `complete`.
    """
    from oneshot_hpo.hpo.configuration_spaces import UNTUNED

    try:
        spec = StudySpec.model_validate(document)
        command_keys.check(spec)
        if spec.command is None:
            _check_needed(spec)
            _check_searcher(spec)
        for key in spec.bohb:
            if key not in bohb_defaults():
                raise UserError(unknown_key(key, "bohb", bohb_defaults()))
        spec.optimizer_settings  # noqa: B018 - checks itself
        chosen(spec.objective)
        if spec.iterations and spec.config_space == UNTUNED:
            raise UserError(f"config_space {UNTUNED} leaves nothing to tune: iterations must be 0")
        spec.cluster.check()
        spec.stop.check()
        notice_keys.check(spec)
    except pydantic.ValidationError as error:
        raise StudyFileError(f"{origin}: {_first_problem(error)}") from None
    except ValueError as error:
        raise StudyFileError(f"{origin}: {one_line(error)}") from None
    return spec


def recorded(document: Any, origin: str) -> StudySpec:
    """The specification that a study wrote when it was launched, perhaps by an earlier version.

    Search settings that it lacks have the values that they had then; of a searcher that is built
    in, as reading a study runs no code of the user's. StudyFileError: it is wrong.
    """
    from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
    from oneshot_hpo.searchers.settings import SearchSettings

    spec = validated(document, origin)
    if spec.command is not None:
        return spec
    # A searcher of the user's own is not imported: reading a study runs no code of it.
    own = settings_class(spec.searcher) if spec.searcher in SEARCHERS else SearchSettings
    search = own.with_absent(spec.search)
    return spec.model_copy(update={"search": search})


def bohb_defaults() -> dict[str, Any]:
    """Settings of the optimizer that the section `bohb` may hold, with their defaults."""
    from oneshot_hpo.hpo import OptimizerSettings

    fields = dataclasses.fields(OptimizerSettings)
    others = (*OPTIMIZER_KEYS, "user_prior")
    return {field.name: field.default for field in fields if field.name not in others}


def _check_searcher(spec: StudySpec) -> None:
    """Raise UserError for a searcher that is not there, or settings that it refuses."""
    from oneshot_hpo.searchers.registry import (
        check_cuda_graphs,
        check_searcher,
        settings_class,
    )

    if spec.searcher in names("searcher"):
        settings = settings_class(spec.searcher)().with_config(spec.search)
        check_cuda_graphs(spec.searcher, settings)
    elif "searcher" not in spec.plugins:  # a study that has begun may be read without it
        check_searcher(spec.searcher)


def _check_needed(spec: StudySpec) -> None:
    """Raise UserError where a search of this project lacks what it needs.

    A table is needed by objectives that read one.
    """
    reads_table = chosen(spec.objective).name in OF_TABLE
    for key in command_keys.MAY_BE_ABSENT:
        if getattr(spec, key) is None and (key != "table" or reads_table):
            raise UserError(_missing_words(key, StudySpec.model_fields[key].description))


def _missing_words(key: str, description: str | None) -> str:
    return f"key {key!r} is missing ({description})"


def _first_problem(error: pydantic.ValidationError) -> str:
    """One line about the most likely mistake: a misspelt key explains a missing one."""
    problems = error.errors(include_url=False)
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    if not problem["loc"]:
        return "it has no keys and values of a study file"
    key = str(problem["loc"][0])
    fields: Mapping[str, Any] = StudySpec.model_fields
    if key in SECTIONS and len(problem["loc"]) > 1:
        section, key = key, str(problem["loc"][1])
        fields = SECTIONS[section].model_fields
    else:
        section = ""
    dotted = f"{section}.{key}" if section else key
    if problem["type"] == "extra_forbidden":
        return unknown_key(key, section, [name for name in fields if name not in WRITTEN])
    if problem["type"] == "missing":
        return _missing_words(dotted, fields[key].description)
    return f"key {dotted!r} must be {fields[key].description}, not {problem['input']!r}"
