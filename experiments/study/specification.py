"""A study's specification: the keys of a study file, and how they are checked and completed."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic
from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import StudyFileError, UserError, one_line
from oneshot_hpo.experiments.objectives.section import MEAN, OF_TABLE, chosen, selection_note
from oneshot_hpo.experiments.study import bounds, command_keys, notice_keys, own_code
from oneshot_hpo.experiments.study.cluster_section import ClusterSection
from oneshot_hpo.experiments.study.document import (
    GRID,
    override_key,
    parse_overrides,
    read_document,
)
from oneshot_hpo.experiments.study.inputs import checksums
from oneshot_hpo.experiments.study.kept_weights import Keep
from oneshot_hpo.experiments.study.pairing import allowed_transfer, short_name
from oneshot_hpo.experiments.study.stop_section import StopSection
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.experiments.wording import unknown_key
from oneshot_hpo.foreign import label_of
from oneshot_hpo.plugins import names, require_extra

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

    from oneshot_hpo.hpo import OptimizerSettings
    from oneshot_hpo.search_spaces import SpaceId
    from oneshot_hpo.searchers.command import Command
    from oneshot_hpo.searchers.settings import SearchSettings

_OPTIMIZER_KEYS = (
    *("min_budget", "max_budget", "eta", "iterations", "seed"),
    *("trial_seed", "default_budget"),
)
"""Keys of the study file that are settings of the optimizer; its others are the section `bohb`."""

_CHANGEABLE = ("cluster", "track")
"""Keys that no result depends on, which may change while a study is under way."""

_ALLOW_TRANSFER = "transfer: true in the study file, or --set transfer=true"

WRITTEN = ("versions", "checksums", "plugins")
"""Keys of the launch environment, which only launch writes."""

_ExitCode = Annotated[int, Field(ge=1, le=255)]

_NOTICE = "a list of words (a program and its arguments), or null"

_SECTIONS: dict[str, type[pydantic.BaseModel]] = {"cluster": ClusterSection, "stop": StopSection}
"""Sections whose keys are checked one by one."""

_EPOCHS = f"a whole number of epochs from 1 to {bounds.EPOCHS:,}"


class StudySpec(pydantic.BaseModel):
    """The content of a study file. Each field's description completes the message "must be …"."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="letters, digits, '.', '_' and '-'"
    )
    space: int | str | None = Field(
        default=None, description="1, 2, 3 or the name of a search space"
    )
    searcher: str = Field(description="the name of a searcher, or command")
    command: list[str] | None = Field(
        default=None, description="a list of words: a program and its arguments", min_length=1
    )
    cwd: str | None = Field(default=None, description="the path of a folder")
    lost_exit_codes: list[_ExitCode] | None = Field(
        default=None, description="a list of exit codes from 1 to 255"
    )
    record_pattern: str | None = Field(default=None, description="a regular expression")
    config_space: str | dict[str, Any] = Field(
        description="the name of a configuration space, the path of a file of ConfigSpace's, or a "
        "section of hyperparameters"
    )
    dataset: str | None = Field(
        default=None, description="digits, cifar10, or the path of a folder or .npz file"
    )
    table: str | None = Field(
        default=None, description="digits, nasbench101, or the path of an .npz file"
    )
    transfer: bool | None = Field(
        default=None, description="true, to allow a table of another data set than is searched on"
    )
    objective: str | dict[str, Any] = Field(
        default=MEAN, description="the name of an objective, or a section {NAME: {SETTING: VALUE}}"
    )
    min_budget: int = Field(ge=1, le=bounds.EPOCHS, description=_EPOCHS)
    max_budget: int = Field(ge=1, le=bounds.EPOCHS, description=_EPOCHS)
    eta: int | float = Field(default=2, description="a number from 2")
    iterations: int = Field(
        ge=0,
        le=bounds.ITERATIONS,
        description=f"a whole number from 0 to {bounds.ITERATIONS:,}",
    )
    seed: int = Field(default=0, ge=0, description="a whole number from 0")
    trial_seed: Literal["trial", "study"] = Field(
        default="trial", description="trial (a seed for each trial) or study (one for all trials)"
    )
    default_budget: Literal["max", "min"] = Field(
        default="max",
        description="max (the default configuration is evaluated on its own, at the largest "
        "budget) or min (it is the first one of the first bracket)",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=bounds.WORKERS,
        description=f"a whole number from 1 to {bounds.WORKERS:,}, or null (one per GPU, else per "
        "core)",
    )
    keep: Keep = Field(
        default="none",
        description="none, incumbent or all (trials whose supernet's checkpoint stays)",
    )
    track: Literal["mlflow"] | None = Field(
        default=None, description="mlflow (results are sent there as they come), or null"
    )
    search: dict[str, Any] = Field(default_factory=dict, description="a section of keys")
    bohb: dict[str, Any] = Field(default_factory=dict, description="a section of keys")
    cluster: ClusterSection = Field(default_factory=ClusterSection, description="a section of keys")
    stop: StopSection = Field(default_factory=StopSection, description="a section of keys")
    on_end: list[str] | None = Field(default=None, description=_NOTICE, min_length=1)
    on_trouble: list[str] | None = Field(default=None, description=_NOTICE, min_length=1)
    versions: dict[str, str] = Field(
        default_factory=dict, description="a section that launch writes itself"
    )
    checksums: dict[str, str] = Field(
        default_factory=dict, description="a section that launch writes itself"
    )
    plugins: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="a section that launch writes itself"
    )

    @pydantic.model_serializer(mode="wrap")
    def _written(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The keys that a study has: those of commands are no defaults of other studies."""
        document: dict[str, Any] = written(self)
        if self.command is None:
            for key in command_keys.KEYS:
                document.pop(key, None)
        return document

    @property
    def title(self) -> str:
        """The study in a line."""
        from oneshot_hpo.search_spaces import title_of

        words = f"{self.name}: {self.program_label}"
        if self.space is not None:
            words += f" in {title_of(self.space)}"
        if self.dataset is not None:
            words += f" on {short_name(self.dataset)}"
        if self.transfer:
            words += f" (transfer: table {short_name(self.required_table)})"
        words += f", tuned in {self.space_label}" if self.iterations else ", not tuned"
        return words + (", selected on test" if selection_note(self.objective) else "")

    @property
    def program_label(self) -> str:
        """What runs as a trial, in a few words: the searcher's name, or the command."""
        if self.command is not None:
            return f"command {shlex.join(self.command[:2])}"
        return label_of(self.searcher)

    @property
    def required_space(self) -> SpaceId:
        """The search space. UserError: the study has none, as a command may."""
        if self.space is None:
            raise _absent(self, "space")
        return self.space

    @property
    def required_dataset(self) -> str:
        """The data set. UserError: the study has none, as a command may."""
        if self.dataset is None:
            raise _absent(self, "dataset")
        return self.dataset

    @property
    def required_table(self) -> str:
        """The table. UserError: the study has none, as its command or objective may allow."""
        if self.table is None:
            raise _absent(self, "table")
        return self.table

    @property
    def space_label(self) -> str:
        """The configuration space in a few words: its name, or what it tunes."""
        from oneshot_hpo.experiments.study.config_space import label

        return label(self.config_space)

    @property
    def image_size(self) -> int:
        """Height in pixels of the images that a search trains on."""
        size: int = self.search.get("image_size") or image_size_of(self.required_dataset)
        return size

    @property
    def search_settings(self) -> SearchSettings:
        """The fixed settings of the search; a configuration is laid over them."""
        from oneshot_hpo.searchers.registry import settings_class

        return settings_class(self.searcher)(**self.search)

    def checked_settings(self, config: Mapping[str, Any]) -> SearchSettings:
        """The settings with a configuration laid over them.

        SettingsError: a value is invalid, or the supernet of the space cannot be made with it.
        """
        from oneshot_hpo.search_spaces import get_space
        from oneshot_hpo.searchers.supernets import check_supernet

        settings = self.search_settings.with_config(config)
        settings.check_image_size(image_size_of(self.required_dataset))
        check_supernet(get_space(self.required_space), settings)
        return settings

    @property
    def program(self) -> Command | None:
        """The command that runs as a trial; None: a searcher of this project does."""
        return command_keys.program(self)

    @property
    def optimizer_settings(self) -> OptimizerSettings:
        """The settings of BOHB."""
        from oneshot_hpo.hpo import OptimizerSettings

        flat = {key: getattr(self, key) for key in _OPTIMIZER_KEYS}
        return OptimizerSettings(**flat, **self.bohb)

    @property
    def default_settings(self) -> dict[str, Any]:
        """The settings of the default configuration's search; the study is complete."""
        from oneshot_hpo.experiments.study.config_space import default_configuration

        space = self.config_space
        return self.search | ({} if isinstance(space, str) else default_configuration(space))

    def configuration_space(self) -> ConfigurationSpace:
        """The space that BOHB searches, with the study's fixed settings as its default."""
        from oneshot_hpo.experiments.study.config_space import space_of

        return space_of(self)


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
            if key not in _bohb_defaults():
                raise UserError(unknown_key(key, "bohb", _bohb_defaults()))
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


def complete(spec: StudySpec, origin: str) -> StudySpec:
    """Check what needs data, tables or code, and write out every default of the search and BOHB.

    In the result `transfer` says whether the table is of another data set, not only whether it may
    be.

    StudyFileError, which begins with `origin`: a missing space, configuration space, data set,
    table or objective, a table of another data set where that is not allowed, an objective that
    refuses the table, a fixed setting outside the configuration space's range, or a configuration
    space that the search refuses.
    """
    from oneshot_hpo.experiments.objectives.objective import completed as completed_objective
    from oneshot_hpo.experiments.objectives.objective import objective_of
    from oneshot_hpo.experiments.study import plugin_checks
    from oneshot_hpo.experiments.study.config_space import completed as completed_space
    from oneshot_hpo.experiments.study.stop_noise import needed_noise
    from oneshot_hpo.search_spaces import get_space, load_table

    update: dict[str, Any] = {}
    try:
        if spec.track is not None:
            require_extra(spec.track, f"track: {spec.track}")
        update["objective"] = completed_objective(spec.objective)
        space = None if spec.space is None else get_space(spec.space)
        table = None if spec.table is None else load_table(spec.table)
        if space is not None:
            update["space"] = space.id
            if table is not None:
                table.best(space)  # raises if an entry of the space is missing
            plugin_checks.check_space(str(spec.space), space)
            if table is not None:
                plugin_checks.check_table(str(spec.table), table, space)
        if spec.command is None or spec.objective != MEAN:
            objective_of(spec.objective).check(get_space(spec.required_space), table)
        if spec.command is None:
            update["search"] = _completed_search(spec)  # reads the data set
        else:
            update |= command_keys.completed(spec)
        if spec.dataset is not None and spec.table is not None:
            update["transfer"] = allowed_transfer(
                spec.dataset, spec.table, spec.transfer, _ALLOW_TRANSFER
            )
        update["bohb"] = _bohb_defaults() | spec.bohb
        update["cluster"] = spec.cluster.completed()
        spec = spec.model_copy(update=update)
        if spec.command is None:
            settings = spec.checked_settings({})
            plugin_checks.check_searcher(spec.searcher, settings, get_space(spec.required_space))
        spec = spec.model_copy(update={"config_space": completed_space(spec)})
        command_keys.check_words(spec)
        needed_noise(spec)
        notice_keys.check_programs(spec)
    except (ValueError, OSError) as error:
        raise StudyFileError(f"{origin}: {one_line(error)}") from None
    return spec


def with_space(spec: StudySpec) -> StudySpec:
    """A study with its search and configuration space written out, without a look at any table.

    Raises what `complete` does for these two.
    """
    from oneshot_hpo.experiments.study.config_space import completed as completed_space

    if spec.command is None:
        spec = spec.model_copy(update={"search": _completed_search(spec)})
    return spec.model_copy(update={"config_space": completed_space(spec)})


def _completed_search(spec: StudySpec) -> dict[str, Any]:
    """The settings of the search with every default."""
    from oneshot_hpo.experiments.study.config_space import named_space
    from oneshot_hpo.hpo.configuration_spaces import published_defaults
    from oneshot_hpo.searchers.registry import settings_class

    defaults = settings_class(spec.searcher)()
    defaults.with_config(spec.search)
    given = published_defaults(named_space(spec.config_space), spec.image_size) | spec.search
    search = dataclasses.asdict(defaults) | given
    if "cutout_length" not in given:
        # The paper's 16 pixels are half of an image; for smaller images it is half as well.
        search["cutout_length"] = min(search["cutout_length"], spec.image_size // 2)
    return search


def freeze(spec: StudySpec) -> StudySpec:
    """A complete specification with its workers, threads, versions and checksums fixed.

    UserError: a study under SLURM, which has no number of cores to go by, sets no workers.
    """
    slurm = spec.cluster.slurm_settings
    if slurm is not None and spec.workers is None:
        raise UserError(
            "with SLURM, set the largest number of jobs (workers in the file, or --workers)"
        )
    workers = spec.workers or machine.default_workers()
    threads = spec.cluster.threads or (slurm.cpus if slurm else machine.threads_for(workers))
    cluster = spec.cluster.model_copy(update={"threads": threads})
    spec = spec.model_copy(
        update={"workers": workers, "cluster": cluster, "plugins": own_code.records(spec)}
    )
    return spec.model_copy(update=environment_of(spec))


def environment_of(spec: StudySpec) -> dict[str, dict[str, str]]:
    """What a study's numbers depend on, as it is here: versions and checksums, by name."""
    return {
        "versions": machine.versions() | own_code.versions(spec),
        "checksums": checksums(spec) | own_code.module_checksums(spec),
    }


@functools.cache
def image_size_of(dataset: str) -> int:
    """Height of a data set's images in pixels; cached, as reading them takes long."""
    from oneshot_hpo.experiments.study.plugin_checks import check_dataset
    from oneshot_hpo.searchers.data.datasets import load_dataset

    splits = load_dataset(dataset)
    check_dataset(dataset, splits)
    return splits.image_size


def _bohb_defaults() -> dict[str, Any]:
    """Settings of the optimizer that the section `bohb` may hold, with their defaults."""
    from oneshot_hpo.hpo import OptimizerSettings

    fields = dataclasses.fields(OptimizerSettings)
    return {field.name: field.default for field in fields if field.name not in _OPTIMIZER_KEYS}


def _check_searcher(spec: StudySpec) -> None:
    """Raise UserError for a searcher that is not there, or settings that it refuses."""
    from oneshot_hpo.searchers.registry import check_searcher, settings_class

    if spec.searcher in names("searcher"):
        settings_class(spec.searcher)().with_config(spec.search)
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


def _absent(spec: StudySpec, key: str) -> UserError:
    return UserError(f"the study file of {spec.name} has no {key}")


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
    if key in _SECTIONS and len(problem["loc"]) > 1:
        section, key = key, str(problem["loc"][1])
        fields = _SECTIONS[section].model_fields
    else:
        section = ""
    dotted = f"{section}.{key}" if section else key
    if problem["type"] == "extra_forbidden":
        return unknown_key(key, section, [name for name in fields if name not in WRITTEN])
    if problem["type"] == "missing":
        return _missing_words(dotted, fields[key].description)
    return f"key {dotted!r} must be {fields[key].description}, not {problem['input']!r}"
