"""The section `cluster` of a study file: how workers run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pydantic
from pydantic import ConfigDict, Field

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.wording import unknown_key

if TYPE_CHECKING:
    from oneshot_hpo.cluster.slurm.settings import SlurmSettings


class ClusterSection(pydantic.BaseModel):
    """How workers run. Each field's description completes the message "must be …"."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    threads: int | None = Field(
        default=None,
        ge=1,
        le=bounds.THREADS,
        description=f"a whole number from 1 to {bounds.THREADS:,}, or null (share the cores)",
    )
    workers_per_gpu: int = Field(
        default=1,
        ge=1,
        le=bounds.WORKERS_PER_GPU,
        description=f"a whole number from 1 to {bounds.WORKERS_PER_GPU}",
    )
    max_attempts: int = Field(
        default=3,
        ge=1,
        le=bounds.ATTEMPTS,
        description=f"a whole number from 1 to {bounds.ATTEMPTS:,}",
    )
    trial_timeout: int | float | None = Field(
        default=None, gt=0, description="a number of seconds above 0, or null (no limit)"
    )
    trial_timeout_factor: int | float | None = Field(
        default=None,
        ge=2,
        description="a number from 2 (of the budget's usual times), or null (no limit)",
    )
    slurm: dict[str, Any] | None = Field(
        default=None, description="a section of keys, or null (workers on this machine)"
    )

    @property
    def slurm_settings(self) -> SlurmSettings | None:
        """The settings of the workers' SLURM jobs; None: workers are on this machine."""
        from oneshot_hpo.cluster.slurm.settings import SlurmSettings

        return None if self.slurm is None else SlurmSettings(**self.slurm)

    def check(self) -> None:
        """Raise UserError for an unknown key of SLURM, or a value that cannot be used."""
        from oneshot_hpo.cluster.slurm.settings import SlurmSettings, SlurmSettingsError

        known = [field.name for field in dataclasses.fields(SlurmSettings)]
        for key in self.slurm or {}:
            if key not in known:
                raise UserError(unknown_key(key, "cluster.slurm", known))
        try:
            self.slurm_settings  # noqa: B018 - checks itself
        except SlurmSettingsError as error:
            raise UserError(f"key 'cluster.slurm.{error.setting}' {error.problem}") from None
        if self.slurm is not None and self.workers_per_gpu > 1:
            raise UserError(
                "key 'cluster.workers_per_gpu' must be 1 with SLURM, where a worker is a job: jobs "
                "share a GPU by cluster.slurm.gres, as mps:25 or shard:1"
            )

    def completed(self) -> Self:
        """A copy with every default of SLURM filled in, and with an absolute log folder."""
        if self.slurm_settings is None:
            return self
        slurm = dataclasses.asdict(self.slurm_settings)
        if slurm["log_folder"] is not None:
            slurm["log_folder"] = str(Path(slurm["log_folder"]).resolve())
        return self.model_copy(update={"slurm": slurm})
