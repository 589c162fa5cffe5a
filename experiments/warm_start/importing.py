"""Creates a study from an HpBandSter run whose configurations are all of the study's space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from oneshot_hpo.experiments.exports.hpbandster_run import read_run
from oneshot_hpo.experiments.exports.space_file import SPACE, differences
from oneshot_hpo.experiments.objectives.section import LOSS, loss_name
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import check_vacant, create_study
from oneshot_hpo.experiments.study.launching import study_and_folder
from oneshot_hpo.experiments.study.sources import UNUSABLE, Beginning, Source
from oneshot_hpo.experiments.warm_start.offers import checksum_of
from oneshot_hpo.hpo import Observation


def create_warm_started(
    run: Path,
    source: str,
    folder: Path | None,
    settings: Sequence[str],
    left_out: list[str] | None = None,
) -> tuple[Path, list[Observation], list[str]]:
    """Create a study that `resume` can start.

    Returns its folder, the observations, and how the run's configspace.json differs from the
    study's space, in words. An observation counts if its configuration is in the study's space,
    whatever space it was drawn from.

    left_out: as in `read_run`; the number of such lines is noted in the study's journal.

    The observations become part of the journal, so the run is not needed again. They do not count
    as evaluations: the study evaluates the default configuration and all its brackets. This is like
    HpBandSter's previous_result, but in the order in which results arrived.

    UserError: the run, study file or folder cannot be used; nothing is created then.
    """
    spec, folder = study_and_folder(source, folder, settings)
    check_vacant(folder)
    spec = freeze(complete(spec, source))

    space = spec.configuration_space()
    prior = read_run(
        run, space, spec.max_budget, left_out, any_loss=loss_name(spec.objective) == LOSS
    )
    differing = differences(run / SPACE, space)

    begun_with = Source(
        kind="hpbandster",
        folder=str(run.resolve()),
        name=run.resolve().name,
        checksum=checksum_of(prior),
        results=len(prior) + len(left_out or ()),
        taken=len(prior),
        left_out={UNUSABLE: len(left_out)} if left_out else {},
        exact=True,
    )
    create_study(folder, spec, Beginning(prior, [begun_with])).close()
    return folder, prior, differing
