"""A study's specification made complete: checked against data, tables and code, and frozen."""

from __future__ import annotations

import dataclasses
from typing import Any

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import StudyFileError, UserError, one_line
from oneshot_hpo.experiments.objectives.section import MEAN
from oneshot_hpo.experiments.study import command_keys, notice_keys, own_code
from oneshot_hpo.experiments.study.inputs import checksums
from oneshot_hpo.experiments.study.pairing import allowed_transfer
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import bohb_defaults
from oneshot_hpo.plugins import require_extra

_ALLOW_TRANSFER = "transfer: true in the study file, or --set transfer=true"


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
        update["bohb"] = bohb_defaults() | spec.bohb
        update["cluster"] = spec.cluster.completed()
        spec = spec.model_copy(update=update)
        if spec.command is None:
            settings = spec.checked_settings({})
            plugin_checks.check_searcher(spec.searcher, settings, get_space(spec.required_space))
        spec = spec.model_copy(update={"config_space": completed_space(spec)})
        check_prior(spec)
        command_keys.check_words(spec)
        needed_noise(spec)
        notice_keys.check_programs(spec)
    except (ValueError, OSError) as error:
        raise StudyFileError(f"{origin}: {one_line(error)}") from None
    return spec


def check_prior(spec: StudySpec) -> None:
    """Raise UserError if the study's prior does not fit its configuration space."""
    from oneshot_hpo.hpo.bohb.encoding import Encoding
    from oneshot_hpo.hpo.bohb.prior_density import PriorDensity

    prior = spec.optimizer_settings.user_prior
    if prior is not None:
        PriorDensity.of(prior, Encoding(spec.configuration_space()))


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
    workers = spec.workers or machine.default_workers(spec.cluster.workers_per_gpu)
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
