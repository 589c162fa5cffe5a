"""Studies with confirmations whose regrets are made up by the test."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from support.scripted_study import work

from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Confirmation, Study, TrialResult

Confirmed = Callable[..., str]


def scripted(tiny_study: Path, folder: Path, *settings: str, evaluations: int = 6) -> Study:
    """A study, open, in which the first proposal is the incumbent."""
    spec = freeze(complete(load_study(str(tiny_study), settings), "tiny"))
    study = create_study(folder, spec)
    work(study, lambda trial: 0.05 if trial.id[0] < 0 else 0.04, evaluations)
    return study


def regret_result(regret: float) -> TrialResult:
    """The result of a search of 36 seconds with this regret; a crash if it is infinite."""
    times = {"search_seconds": 36.0}
    if math.isinf(regret):
        return TrialResult(None, exception="SearchDiverged: far", timestamps=times)
    return TrialResult(regret, {"test_regret": regret}, timestamps=times)


def confirm_scripted(
    tiny_study: Path,
    folder: Path,
    tuned: Sequence[float],
    default: Sequence[float],
    *settings: str,
    evaluations: int = 6,
) -> str:
    """A study with a confirmation that has these regrets."""
    with scripted(tiny_study, folder, *settings, evaluations=evaluations) as study:
        assert study.incumbent is not None
        config = study.incumbent[0].config
        header, budget, seed = study.header, study.settings.max_budget, study.settings.seed
    with Confirmation.create(
        folder / "confirm", header=header, seed=seed, budget=budget
    ) as confirmation:
        confirmation.plan("default", {"learning_rate": 0.025}, len(default))
        confirmation.plan("0-0-0", config, len(tuned), tuned=True)
        values = {"default": default, "0-0-0": tuned}
        while (run := confirmation.ask()) is not None:
            confirmation.tell(run, regret_result(values[run.setting][run.number]))
    return str(folder)
