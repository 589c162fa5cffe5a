"""Optimizers of other libraries, each a process in an environment of its own.

The two sides exchange lines of JSON (`peers/serving.py`), so that nothing of a library is imported
here, and nothing of this project there.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    FloatHyperparameter,
    IntegerHyperparameter,
)

from oneshot_hpo.experiments.benchmarks.optimizers.clock import PlainOptimizer, Proposal
from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem
from oneshot_hpo.experiments.errors import UserError

PEERS = ("hpbandster", "dehb", "smac", "optuna", "neps")
_FOLDER = Path(__file__).with_name("peers")
_MADE = "requirements.txt"  # in an environment that is complete: what was installed


def make_environment(folder: Path, peer: str) -> Path:
    """The Python of a peer's environment in `folder`, made first unless it is there and current.

    UserError: pip could not install it.
    """
    wanted = (_FOLDER / f"{peer}.txt").read_text()
    home = folder / peer
    python = home / "bin" / "python"
    if (home / _MADE).is_file() and (home / _MADE).read_text() == wanted:
        return python
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "-r", str(_FOLDER / f"{peer}.txt")],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, env=_environment())
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise UserError(f"the environment of {peer} cannot be made: {reason}")
    (home / _MADE).write_text(wanted)
    return python


def described_space(space: ConfigurationSpace) -> list[dict[str, Any]]:
    """A space without conditions as plain values.

    Raises ValueError for a hyperparameter that is no category, float or integer.
    """
    found = []
    for name, one in space.items():
        common = {"name": name, "default": one.default_value}
        if isinstance(one, CategoricalHyperparameter):
            found.append(common | {"kind": "category", "choices": list(one.choices)})
            continue
        if not isinstance(one, FloatHyperparameter | IntegerHyperparameter):
            raise ValueError(f"{name} is a {type(one).__name__}, which peers are not told of")
        kind = "float" if isinstance(one, FloatHyperparameter) else "integer"
        bounds = {"low": one.lower, "high": one.upper, "log": one.log}
        found.append(common | {"kind": kind, **bounds})
    return found


class Peer(PlainOptimizer):
    """An optimizer of another library; `close` ends its process.

    Raises UserError, with the last line that the process wrote, when it ends by itself.
    """

    def __init__(
        self, name: str, python: Path, problem: Problem, seed: int, cost: float, workers: int
    ) -> None:
        self._name, self._space = name, described_space(problem.space)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [str(python), str(_FOLDER / f"{name}_peer.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
            env=_environment(),
        )
        self.versions: dict[str, str] = self._answer(
            {
                "space": self._space,
                "budgets": problem.budgets,
                # Libraries take the logarithm of the ratio, and would lose a rung by its rounding.
                "min_budget": problem.budgets[0] * (1 - 1e-9),
                "eta": problem.eta,
                "has_known_default": problem.has_known_default,
                "seed": seed,
                "cost": cost,
                "workers": workers,
            }
        )

    def ask(self) -> Proposal | None:
        """The library's next run."""
        answer = self._answer({"do": "ask"})
        if "wait" in answer:
            return None
        config = {one["name"]: _inside(one, answer["config"][one["name"]]) for one in self._space}
        return Proposal(answer["key"], config, answer["budget"], token=answer["token"])

    def tell(self, proposal: Proposal, loss: float | None) -> None:
        """Tell the library."""
        self._answer({"do": "tell", "token": proposal.token, "loss": loss})

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.terminate()
        self._process.wait()
        self._errors.close()

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            self._errors.seek(0)
            written = self._errors.read().strip().splitlines() or ["it wrote nothing"]
            self.close()
            raise UserError(f"{self._name} ended by itself: {written[-1]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _inside(one: dict[str, Any], value: Any) -> Any:
    """A value, moved to the range that a library's rounding of logarithms may have left."""
    return value if one["kind"] == "category" else min(max(value, one["low"]), one["high"])


def _environment() -> dict[str, str]:
    """The environment without what would import this project's packages; one thread each."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
