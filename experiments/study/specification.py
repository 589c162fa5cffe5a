"""A study's specification: the keys of a study file, and how they are checked and completed."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pydantic
from pydantic import ConfigDict, Field

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import StudyFileError, UserError, one_line
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.study.cluster_section import ClusterSection
from oneshot_hpo.experiments.study.document import (
    GRID,
    override_key,
    parse_overrides,
    read_document,
)
from oneshot_hpo.experiments.study.inputs import checksums
from oneshot_hpo.experiments.study.pairing import allowed_transfer
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.experiments.wording import unknown_key

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

    from oneshot_hpo.hpo import OptimizerSettings
    from oneshot_hpo.searchers.settings import SearchSettings

_OPTIMIZER_KEYS = ("min_budget", "max_budget", "eta", "iterations", "seed")
"""Keys of the study file that are settings of the optimizer; its others are the section `bohb`."""

_ALLOW_TRANSFER = "transfer: true in the study file, or --set transfer=true"

WRITTEN = ("versions", "checksums")
"""Keys of the launch environment, which only launch writes."""

_EPOCHS = f"a whole number of epochs from 1 to {bounds.EPOCHS:,}"


class StudySpec(pydantic.BaseModel):
    """The content of a study file. Each field's description completes the message "must be …"."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="letters, digits, '.', '_' and '-'"
    )
    space: int | str = Field(description="1, 2, 3 or the name of a search space")
    searcher: str = Field(description="the name of a searcher")
    config_space: str | dict[str, Any] = Field(
        description="the name of a configuration space, the path of a file of ConfigSpace's, or a "
        "section of hyperparameters"
    )
    dataset: str = Field(description="digits, cifar10, or the path of a folder or .npz file")
    table: str = Field(description="digits, nasbench101, or the path of an .npz file")
    transfer: bool | None = Field(
        default=None, description="true, to allow a table of another data set than is searched on"
    )
    objective: Literal["mean", "draw"] = Field(
        default="mean", description="mean (of the table's repeats) or draw (one, by the seed)"
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
    workers: int | None = Field(
        default=None,
        ge=1,
        le=bounds.WORKERS,
        description=f"a whole number from 1 to {bounds.WORKERS:,}, or null (one per GPU, else per "
        "core)",
    )
    search: dict[str, Any] = Field(default_factory=dict, description="a section of keys")
    bohb: dict[str, Any] = Field(default_factory=dict, description="a section of keys")
    cluster: ClusterSection = Field(default_factory=ClusterSection, description="a section of keys")
    versions: dict[str, str] = Field(
        default_factory=dict, description="a section that launch writes itself"
    )
    checksums: dict[str, str] = Field(
        default_factory=dict, description="a section that launch writes itself"
    )

    @property
    def title(self) -> str:
        """The study in a line."""
        from oneshot_hpo.search_spaces import title_of

        tuned = f"tuned in {self.space_label}" if self.iterations else "not tuned"
        on = Path(self.dataset).stem
        if self.transfer:
            on += f" (transfer: table {Path(self.table).stem})"
        return f"{self.name}: {self.searcher} in {title_of(self.space)} on {on}, {tuned}"

    @property
    def space_label(self) -> str:
        """The configuration space in a few words: its name, or what it tunes."""
        from oneshot_hpo.experiments.study.config_space import label

        return label(self.config_space)

    @property
    def image_size(self) -> int:
        """Height in pixels of the images that a search trains on."""
        size: int = self.search.get("image_size") or image_size_of(self.dataset)
        return size

    @property
    def search_settings(self) -> SearchSettings:
        """The fixed settings of the search; a configuration is laid over them."""
        from oneshot_hpo.searchers.registry import settings_class

        return settings_class(self.searcher)(**self.search)

    def checked_settings(self, config: Mapping[str, Any]) -> SearchSettings:
        """The settings with a configuration laid over them. SettingsError: a value is invalid."""
        settings = self.search_settings.with_config(config)
        settings.check_image_size(image_size_of(self.dataset))
        return settings

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
    """An existing study with KEY=VALUE overrides of how its workers run.

    StudyFileError: anything wrong, or a key that affects results.
    """
    document = parse_overrides(overrides)
    for key in document:
        if key != "cluster":
            raise StudyFileError(
                f"--set {key}: in an existing study only cluster.KEY and the paths of dataset "
                "and table may change"
            )
    if not document:
        return spec
    cluster = spec.cluster.model_dump()
    for override in overrides:
        override_key({"cluster": cluster}, override)
    spec = validated(spec.model_dump() | {"cluster": cluster}, "--set")
    return spec.model_copy(update={"cluster": spec.cluster.completed()})


def validated(document: Any, origin: str) -> StudySpec:
    """The specification in a document. StudyFileError, which begins with `origin`: it is wrong.

    What needs data or tables to check is left to `complete`.
    """
    from oneshot_hpo.hpo.configuration_spaces import UNTUNED
    from oneshot_hpo.searchers.registry import settings_class

    try:
        spec = StudySpec.model_validate(document)
        settings_class(spec.searcher)().with_config(spec.search)
        for key in spec.bohb:
            if key not in _bohb_defaults():
                raise UserError(unknown_key(key, "bohb", _bohb_defaults()))
        spec.optimizer_settings  # noqa: B018 - checks itself
        if spec.iterations and spec.config_space == UNTUNED:
            raise UserError(f"config_space {UNTUNED} leaves nothing to tune: iterations must be 0")
        spec.cluster.check()
    except pydantic.ValidationError as error:
        raise StudyFileError(f"{origin}: {_first_problem(error)}") from None
    except ValueError as error:
        raise StudyFileError(f"{origin}: {one_line(error)}") from None
    return spec


def recorded(document: Any, origin: str) -> StudySpec:
    """The specification that a study wrote when it was launched, perhaps by an earlier version.

    Search settings that it lacks have the values that they had then. StudyFileError: it is wrong.
    """
    from oneshot_hpo.searchers.registry import settings_class

    spec = validated(document, origin)
    search = settings_class(spec.searcher).with_absent(spec.search)
    return spec.model_copy(update={"search": search})


def complete(spec: StudySpec, origin: str) -> StudySpec:
    """Check what needs data, tables or code, and write out every default of the search and BOHB.

    In the result `transfer` says whether the table is of another data set, not only whether it may
    be.

    StudyFileError, which begins with `origin`: a missing space, configuration space, data set or
    table, a table of another data set where that is not allowed, a fixed setting outside the
    configuration space's range, or a configuration space that the search refuses.
    """
    from oneshot_hpo.experiments.study.config_space import completed as completed_space
    from oneshot_hpo.search_spaces import get_space, load_table
    from oneshot_hpo.searchers.registry import settings_class

    try:
        space = get_space(spec.space)
        image_size = spec.image_size
        load_table(spec.table).best(space)  # raises if an entry of the space is missing
        transfer = allowed_transfer(spec.dataset, spec.table, spec.transfer, _ALLOW_TRANSFER)
        search = dataclasses.asdict(settings_class(spec.searcher)()) | spec.search
        if "cutout_length" not in spec.search:
            # The paper's 16 pixels are half of an image; for smaller images it is half as well.
            search["cutout_length"] = min(search["cutout_length"], image_size // 2)
        bohb = _bohb_defaults() | spec.bohb
        update = {
            "space": space.id,
            "transfer": transfer,
            "search": search,
            "bohb": bohb,
            "cluster": spec.cluster.completed(),
        }
        spec = spec.model_copy(update=update)
        spec.checked_settings({})
        spec = spec.model_copy(update={"config_space": completed_space(spec)})
    except (ValueError, OSError) as error:
        raise StudyFileError(f"{origin}: {one_line(error)}") from None
    return spec


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
    return spec.model_copy(
        update={
            "workers": workers,
            "cluster": cluster,
            "versions": machine.versions(),
            "checksums": checksums(spec.dataset, spec.table),
        }
    )


@functools.cache
def image_size_of(dataset: str) -> int:
    """Height of a data set's images in pixels; cached, as reading them takes long."""
    from oneshot_hpo.searchers.data.datasets import load_dataset

    return load_dataset(dataset).image_size


def _bohb_defaults() -> dict[str, Any]:
    """Settings of the optimizer that the section `bohb` may hold, with their defaults."""
    from oneshot_hpo.hpo import OptimizerSettings

    fields = dataclasses.fields(OptimizerSettings)
    return {field.name: field.default for field in fields if field.name not in _OPTIMIZER_KEYS}


def _first_problem(error: pydantic.ValidationError) -> str:
    """One line about the most likely mistake: a misspelt key explains a missing one."""
    problems = error.errors(include_url=False)
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    if not problem["loc"]:
        return "it has no keys and values of a study file"
    key = str(problem["loc"][0])
    fields: Mapping[str, Any] = StudySpec.model_fields
    if key == "cluster" and len(problem["loc"]) > 1:
        section, key = "cluster", str(problem["loc"][1])
        fields = ClusterSection.model_fields
    else:
        section = ""
    dotted = f"{section}.{key}" if section else key
    if problem["type"] == "extra_forbidden":
        return unknown_key(key, section, [name for name in fields if name not in WRITTEN])
    if problem["type"] == "missing":
        return f"key {dotted!r} is missing ({fields[key].description})"
    return f"key {dotted!r} must be {fields[key].description}, not {problem['input']!r}"
