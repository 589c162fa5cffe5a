"""Optuna: the TPE sampler with the Hyperband pruner.

Optuna's trials are trainings that report on their way and may be pruned after each report: here
they report at the problem's rungs, and run to the next one if they are not pruned. The pruner wants
whole numbers whose ratios are powers of eta, so that the steps are 1, eta, eta**2, ... A crash is a
trial that failed, of which the sampler learns nothing. Defaults, but for `constant_liar` with
several workers, as Optuna's documentation advises.
"""

from __future__ import annotations

from typing import Any

import optuna
from serving import serve


class Optuna:
    """Trials that have reached a rung are continued first, the oldest of them before others."""

    def __init__(self, problem: dict[str, Any]) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._budgets = problem["space"], problem["budgets"]
        self._steps = [problem["eta"] ** rung for rung in range(len(self._budgets))]
        pruner = optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=self._steps[-1], reduction_factor=problem["eta"]
        )
        sampler = optuna.samplers.TPESampler(
            seed=problem["seed"], constant_liar=problem["workers"] > 1
        )
        # The pruner draws the brackets of trials from the study's name.
        self._study = optuna.create_study(
            study_name=f"seed-{problem['seed']}", sampler=sampler, pruner=pruner
        )
        self._trials: list[Any] = []
        self._configs: list[dict[str, Any]] = []
        self._reached: list[int] = []
        self._continued: list[int] = []

    def ask(self) -> dict[str, Any]:
        """The next rung of a trial that was not pruned, or a new trial."""
        if self._continued:
            number = self._continued.pop(0)
        else:
            number = len(self._trials)
            trial = self._study.ask()
            self._trials.append(trial)
            self._configs.append({one["name"]: _suggest(trial, one) for one in self._space})
            self._reached.append(-1)
        rung = self._reached[number] + 1
        return {
            "key": str(number),
            "config": self._configs[number],
            "budget": self._budgets[rung],
            "token": number,
        }

    def tell(self, token: int, loss: float | None) -> None:
        """Report, and prune the trial, finish it, or have it continued."""
        trial = self._trials[token]
        if loss is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
            return
        self._reached[token] += 1
        rung = self._reached[token]
        trial.report(loss, self._steps[rung])
        if rung == len(self._steps) - 1:
            self._study.tell(trial, loss)
        elif trial.should_prune():
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            self._continued.append(token)


def _suggest(trial: Any, one: dict[str, Any]) -> Any:
    if one["kind"] == "category":
        return trial.suggest_categorical(one["name"], one["choices"])
    suggest = {"float": trial.suggest_float, "integer": trial.suggest_int}[one["kind"]]
    return suggest(one["name"], one["low"], one["high"], log=one["log"])


if __name__ == "__main__":
    serve(Optuna, ["optuna"])
