"""A study's specification: the keys of a study file, and what follows from them."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic
from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.section import MEAN, selection_note
from oneshot_hpo.experiments.study import bounds, command_keys
from oneshot_hpo.experiments.study.cluster_section import ClusterSection
from oneshot_hpo.experiments.study.kept_weights import Keep
from oneshot_hpo.experiments.study.pairing import short_name
from oneshot_hpo.experiments.study.prior_section import user_prior
from oneshot_hpo.experiments.study.stop_section import StopSection
from oneshot_hpo.foreign import label_of

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

    from oneshot_hpo.hpo import OptimizerSettings
    from oneshot_hpo.search_spaces import SpaceId
    from oneshot_hpo.searchers.command import Command
    from oneshot_hpo.searchers.settings import SearchSettings

OPTIMIZER_KEYS = (
    *("min_budget", "max_budget", "eta", "iterations", "seed"),
    *("trial_seed", "default_budget"),
)
"""Keys of the study file that are settings of the optimizer; its others are the section `bohb`."""

WRITTEN = ("versions", "checksums", "plugins")
"""Keys of the launch environment, which only launch writes."""

_ExitCode = Annotated[int, Field(ge=1, le=255)]

_NOTICE = "a list of words (a program and its arguments), or null"

SECTIONS: dict[str, type[pydantic.BaseModel]] = {"cluster": ClusterSection, "stop": StopSection}
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
    prior: str | int | float | dict[str, Any] | None = Field(
        default=None, description="weak, medium, strong, a width in (0, 1], or a section of keys"
    )
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
        """The keys that a study has: of commands and priors, other studies have no defaults."""
        document: dict[str, Any] = written(self)
        if self.command is None:
            for key in command_keys.KEYS:
                document.pop(key, None)
        if self.prior is None:
            document.pop("prior", None)
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

        flat = {key: getattr(self, key) for key in OPTIMIZER_KEYS}
        return OptimizerSettings(**flat, **self.bohb, user_prior=user_prior(self.prior))

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


@functools.cache
def image_size_of(dataset: str) -> int:
    """Height of a data set's images in pixels; cached, as reading them takes long."""
    from oneshot_hpo.experiments.study.plugin_checks import check_dataset
    from oneshot_hpo.searchers.data.datasets import load_dataset

    splits = load_dataset(dataset)
    check_dataset(dataset, splits)
    return splits.image_size


def _absent(spec: StudySpec, key: str) -> UserError:
    return UserError(f"the study file of {spec.name} has no {key}")
