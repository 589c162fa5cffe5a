"""Confirmations that a rule ends, with regrets that a test makes up."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from support.confirmed_study import regret_result

from oneshot_hpo.experiments.confirm.until_decided import DecidingConfirmation
from oneshot_hpo.hpo import Rerun, read_study
from oneshot_hpo.hpo.plain import plain

TUNED = "0-0-0"
Regret = Callable[[Rerun], float]


def differing(gap: float) -> Regret:
    """Regrets with noise of a point between seeds, the tuned ones lower by `gap` points."""

    def regret(run_: Rerun) -> float:
        rng = np.random.default_rng([run_.number, run_.setting == TUNED])
        lower = gap if run_.setting == TUNED else 0.0
        return float((10 - lower + rng.normal()) / 100)

    return regret


def begin(study: Path, *, seeds: int = 15, looks: tuple[int, ...] = (15, 20, 25, 30)) -> Path:
    """A confirmation with a rule, up to its first look, as the command begins it."""
    view = read_study(study)
    default = plain(dict(view.space.get_default_configuration()))
    assert view.incumbent is not None
    with DecidingConfirmation.create(
        study / "confirm", header=view.header, seed=view.settings.seed, budget=2
    ) as own:
        own.set_rule(TUNED, spending="obrien-fleming", alpha=0.05, looks=looks)
        own.plan("default", default, seeds)
        own.plan(TUNED, view.incumbent[0].config, seeds, tuned=True)
    return study / "confirm"


def drive(folder: Path, regret: Regret, most: int = 1000) -> None:
    """Open, and work as the loop does: pending runs first, then ask and tell."""
    with DecidingConfirmation.open(folder) as own:
        own.look_if_due()
        pending = list(own.pending)
        for _ in range(most):
            following = pending.pop(0) if pending else own.ask()
            if following is None:
                break
            own.tell(following, regret_result(regret(following)))
