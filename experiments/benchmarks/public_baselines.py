"""Our baselines beside the public scripts of automl/nas_benchmarks, on the same space and table.

    git clone https://github.com/automl/nas_benchmarks
    python -m oneshot_hpo.experiments.benchmarks.public_baselines nas_benchmarks \\
        --method re --space 1

Their functions and classes are taken out of the scripts as they are (which run on import), their
benchmark class runs on this project's `nasbench` interface, and the space is encoded as here:
operations and parents as categories. Both sides draw a repeat at each query, choose the incumbent
on validation among the evaluations at the largest budget, and report the mean test error after it.
Needs NAS-Bench-101 at all budgets; reinforce also TensorFlow 2, TensorFlow Probability, tf_keras.
"""

from __future__ import annotations

import argparse
import ast
import collections
import importlib
import importlib.util
import random
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from scipy import stats

import oneshot_hpo.search_spaces.nasbench.api
import oneshot_hpo.search_spaces.nasbench.graph_util
from oneshot_hpo.experiments.baselines.plan import Block, make_plan
from oneshot_hpo.experiments.baselines.search import TableObjective, search
from oneshot_hpo.hpo.incumbent import incumbent_places
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.nasbench101.space import numbered

SCRIPTS = {"re": "run_regularized_evolution.py", "reinforce": "run_rl.py"}
METHODS = ("rs", "re", "reinforce", "hyperband")

_DIGITS = 9  # the two sides take means in other orders; unlike last bits would be no ties


def main() -> None:
    """Print both sides' final test regrets and speeds, and two two-sample tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a clone of automl/nas_benchmarks")
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--space", type=int, choices=(1, 2, 3), default=1)
    parser.add_argument("--evaluations", type=int, default=280)
    parser.add_argument("--repetitions", type=int, default=200)
    arguments = parser.parse_args()
    settings = ["hyperband.bracket_sizes=hpbandster"] if arguments.method == "hyperband" else []
    plan = make_plan(
        table="nasbench101",
        spaces=[str(arguments.space)],
        methods=arguments.method,
        overrides=settings,
        evaluations=arguments.evaluations,
        repetitions=arguments.repetitions,
        seed=0,
        objective="draw",
    )
    objective = TableObjective.of_table(plan.table, arguments.space)
    started = time.process_time()
    trace = search(
        plan, Block(arguments.method, arguments.space, 0, arguments.repetitions), objective
    )
    seconds = time.process_time() - started
    last = incumbent_places(trace.losses, trace.budgets)[:, -1]
    ours = objective.test_errors[trace.cells[np.arange(len(last)), last]].round(_DIGITS)

    public = PublicScripts(arguments.folder, arguments.space)
    started = time.process_time()
    theirs = [
        public.final_test_error(arguments.method, arguments.evaluations, seed)
        for seed in range(arguments.repetitions)
    ]
    their_seconds = time.process_time() - started

    best = load_table(plan.table).best(get_space(arguments.space)).test_error
    total = arguments.evaluations * arguments.repetitions
    print(f"{arguments.method}, space {arguments.space}, {arguments.repetitions} repetitions")
    for name, errors, spent in (("ours", ours, seconds), ("theirs", theirs, their_seconds)):
        quartiles = 100 * (np.quantile(errors, (0.25, 0.5, 0.75)) - best)
        print(f"{name:7} {quartiles.round(3)} points of regret, {total / spent:,.0f} evaluations/s")
    print(f"Kolmogorov-Smirnov p = {stats.ks_2samp(ours, theirs).pvalue:.3f}")
    print(f"Mann-Whitney p = {stats.mannwhitneyu(ours, theirs).pvalue:.3f}")


class PublicScripts:
    """The public optimizers, on one of our spaces."""

    def __init__(self, folder: Path, space: int) -> None:
        for name in ("api", "graph_util"):
            sys.modules[f"nasbench.{name}"] = getattr(oneshot_hpo.search_spaces.nasbench, name)
        sys.modules["nasbench"] = oneshot_hpo.search_spaces.nasbench
        library = ModuleType("nasbench.lib")
        library.graph_util = oneshot_hpo.search_spaces.nasbench.graph_util  # type: ignore[attr-defined]
        sys.modules["nasbench.lib"] = library
        self._scripts = folder / "experiment_scripts"
        base: Any = _module(folder / "tabular_benchmarks" / "nas_cifar10.py").NASCifar10
        self._space = numbered(space)

        class OneShotSpace(base):
            """Their benchmark with our encoding; it also notes budgets."""

            def __init__(self) -> None:
                # Not theirs: it would open a file by the name of the official one.
                self.dataset = oneshot_hpo.search_spaces.nasbench.api.NASBench()
                self.budgets: list[int] = []
                self.reset_tracker()

            def objective_function(self, config: Any, budget: int = 108) -> tuple[float, float]:
                cell = searched.cell(searched.from_configuration(config))
                spec = oneshot_hpo.search_spaces.nasbench.api.ModelSpec(
                    cell.matrix, list(cell.operations)
                )
                data = self.dataset.query(spec, epochs=budget)
                self.record_valid(config, data, spec)
                self.budgets.append(budget)
                return 1 - data["validation_accuracy"], data["training_time"]

            @staticmethod
            def get_configuration_space() -> Any:
                return searched.configuration_space()

        searched = self._space
        self._benchmark = OneShotSpace()

    def final_test_error(self, method: str, evaluations: int, seed: int) -> float:
        """Run one repetition; the mean test error of its incumbent."""
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the scripts draw from it
        self._benchmark.reset_tracker()
        self._benchmark.budgets.clear()
        space = self._space.configuration_space(seed)
        runs: dict[str, Callable[[Any, int, int], None]] = {
            "rs": self._random_search,
            "re": self._evolution,
            "reinforce": self._reinforce,
            "hyperband": self._hyperband,
        }
        runs[method](space, evaluations, seed)
        budgets = np.array(self._benchmark.budgets)
        within = np.cumsum(budgets) <= evaluations * 108
        losses = np.array(self._benchmark.y_valid)[None, within]
        last = incumbent_places(losses, budgets[within])[0, -1]
        return float(np.round(self._benchmark.y_test[last], _DIGITS))

    def _random_search(self, space: Any, evaluations: int, seed: int) -> None:
        for _ in range(evaluations):
            self._benchmark.objective_function(space.sample_configuration())

    def _evolution(self, space: Any, evaluations: int, seed: int) -> None:
        names = self._definitions("re", b=self._benchmark, cs=_OldNames(space))
        names["regularized_evolution"](cycles=evaluations, population_size=100, sample_size=10)

    def _reinforce(self, space: Any, evaluations: int, seed: int) -> None:
        tensorflow = importlib.import_module("tensorflow")
        tensorflow.random.set_seed(seed)
        names = self._definitions(
            "reinforce",
            b=self._benchmark,
            tf=tensorflow,
            tfp=importlib.import_module("tensorflow_probability"),
        )
        optimizer = names["REINFORCEOptimizer"](
            reward=names["Reward"](self._benchmark),
            cat_variables=[len(hyperparameter.choices) for hyperparameter in space.values()],
            momentum=0.9,
        )
        names["run_reinforce"](optimizer, 0.1, 5e6, self._benchmark, evaluations, 10**9)

    def _hyperband(self, space: Any, evaluations: int, seed: int) -> None:
        """Their script hands HpBandSter's HyperBand to Pyro, which hangs with numpy 2."""
        from hpbandster.core.dispatcher import Job
        from hpbandster.optimizers.hyperband import HyperBand

        from oneshot_hpo.hpo.bohb.master import DispatcherlessMaster

        class Sequential(HyperBand, DispatcherlessMaster):
            def __init__(self) -> None:
                self.config: dict[str, Any] = {}
                HyperBand.__init__(self, space, eta=3, min_budget=4, max_budget=108)

        master = Sequential()
        while sum(self._benchmark.budgets) < evaluations * 108:
            if not master.iterations or (run := master.iterations[-1].get_next_run()) is None:
                master.iterations.append(master.get_next_iteration(len(master.iterations)))
                continue
            number, config, budget = run
            loss, _ = self._benchmark.objective_function(config, budget=round(budget))
            job = Job(number, config=config, budget=budget)
            job.result, job.exception, job.timestamps = {"loss": loss, "info": {}}, None, {}
            master.num_running_jobs += 1
            master.job_callback(job)

    def _definitions(self, method: str, **given: Any) -> dict[str, Any]:
        """The functions and classes of a script, which see `given` as globals."""
        source = (self._scripts / SCRIPTS[method]).read_text()
        kept: list[ast.stmt] = [
            node
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        import ConfigSpace

        names: dict[str, Any] = {
            "np": np,
            "random": random,
            "collections": collections,
            "deepcopy": deepcopy,
            "ConfigSpace": ConfigSpace,
            **given,
        }
        exec(compile(ast.Module(kept, []), SCRIPTS[method], "exec"), names)
        return names


class _OldNames:  # their script asks for lists
    """A configuration space under the name that ConfigSpace had for its hyperparameters."""

    def __init__(self, space: Any) -> None:
        self._space = space

    def get_hyperparameters(self) -> list[Any]:
        return list(self._space.values())

    def sample_configuration(self) -> Any:
        return self._space.sample_configuration()


def _module(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
