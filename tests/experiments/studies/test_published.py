"""The shipped studies of the paper against its authors' code, key by key.

The reference is github.com/automl/nasbench-1shot1 at cb0f0ec; each table names its file.
"""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace.hyperparameters import UniformFloatHyperparameter, UniformIntegerHyperparameter
from support.study_commands import run

from oneshot_hpo.experiments.grids.costs import Cost, cost
from oneshot_hpo.experiments.grids.grid import Grid, Member, load_grid
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.hpo import BASELINE_ID, read_study
from oneshot_hpo.plugins import names
from oneshot_hpo.searchers.settings import SearchSettings

# cluster_scripts/bohb_one_shot_scripts/start_exp.sh; config space 3 is the published one
GRID = {
    "space": [1, 2, 3],
    "searcher": ["darts", "gdas", "pc_darts"],
    "config_space": ["cs1", "cs2", "cs3-paper"],
    "seed": [1, 2, 3],
}

# optimizers/bohb_one_shot/master.py and custom_bohb/bohb.py
OPTIMIZER = {
    "min_budget": 25,
    "max_budget": 100,
    "eta": 2,
    "iterations": 64,
    "min_points_in_model": None,
    "top_n_percent": 15,
    "num_samples": 64,
    "random_fraction": 1 / 3,
    "bandwidth_factor": 3,
    "min_bandwidth": 1e-3,
    # custom_bohb/bohb.py, get_next_iteration; custom_bohb/bohb_gen.py derives from HpBandSter's
    "bracket_sizes": "hpbandster",
    "generator": "hpbandster",
    # custom_bohb/bohb_gen.py, start_from_default: the first configuration of the first bracket
    "default_budget": "min",
    # worker.py: --seed of every search is the study's
    "trial_seed": "study",
}

# worker.py, complete_config, and the defaults in optimizers/*/train_search_bohb.py
SEARCH = {
    "channels": 16,
    "stacks": 3,
    "cells_per_stack": 3,  # 9 layers
    "batch_size": 96,
    "learning_rate": 0.025,
    "learning_rate_min": 0.001,
    "momentum": 0.9,
    "weight_decay": 3e-4,
    "grad_clip": 5.0,
    "arch_learning_rate": 3e-4,
    "arch_weight_decay": 1e-3,
    "cutout_prob": 0.0,  # worker.py's default of CS1: no cutout
    "cutout_length": 16,
    "warmup_share": 0.0,  # no warm_start_epochs in train_search_bohb.py
    "train_share": 1.0,
    "supernet": "paper",
}
OWN = {
    # optimizers/gdas/train_search_bohb.py, tau_max and tau_min
    "gdas": {"temperature_start": 10.0, "temperature_end": 1.0},
    # optimizers/pc_darts/model_search.py, MixedOpPCDARTS
    "pc_darts": {"partial_channels": 4},
}

# worker.py, get_config_space: low, high, default (None: the middle of the range), log
CS1 = {"weight_decay": (1e-5, 1e-3, 3e-4, True), "cutout_prob": (0, 1, 0, False)}
CS2 = {**CS1, "learning_rate": (1e-3, 1, 0.025, True)}
CS3 = {
    **CS2,
    "arch_learning_rate": (1e-5, 1e-2, None, True),
    "arch_weight_decay": (1e-4, 1e-1, None, True),
    "momentum": (0, 0.99, None, False),
    "cutout_length": (2, 32, None, True),
    "batch_size": (16, 128, None, False),
    "grad_clip": (1, 9, None, False),
}
SPACES = {"cs1": CS1, "cs2": CS2, "cs3-paper": CS3}
DIGITS_PIXELS = 8  # a cutout is no longer than an image


def grid_of(name: str, *overrides: str) -> Grid:
    grid = load_grid(name, overrides)
    assert grid is not None
    return grid


def one_of(grid: Grid, **values: Any) -> Member:
    (member,) = grid.chosen([f"{key}={value}" for key, value in values.items()])
    return member


def test_the_paper_has_the_reference_grid_optimizer_and_objective() -> None:
    grid = grid_of("paper")
    assert {key: sorted(values) for key, values in grid.document["grid"].items()} == GRID
    assert len(grid.members) == 81
    for member in grid.members:
        settings = member.spec.optimizer_settings
        assert {key: getattr(settings, key) for key in OPTIMIZER} == OPTIMIZER
        assert member.spec.objective == "draw"  # worker.py, load_data
        assert (member.spec.dataset, member.spec.table) == ("cifar10", "nasbench101")
        assert cost(member.spec) == Cost(1, 280, 17_100)


@pytest.mark.parametrize("searcher", GRID["searcher"])
def test_the_paper_has_the_reference_search(searcher: str) -> None:
    member = one_of(grid_of("paper"), space=1, searcher=searcher, config_space="cs1", seed=1)
    settings = member.spec.search_settings
    wanted = SEARCH | OWN.get(searcher, {})
    assert {key: getattr(settings, key) for key in wanted} == wanted


@pytest.mark.parametrize(
    ("searcher", "config_space"), list(itertools.product(GRID["searcher"], GRID["config_space"]))
)
def test_the_paper_has_the_reference_configuration_spaces(searcher: str, config_space: str) -> None:
    grid = grid_of("paper", "dataset=digits", "table=digits")
    member = one_of(grid, space=1, searcher=searcher, config_space=config_space, seed=1)
    spec = complete(member.spec, "paper")
    space, wanted = spec.configuration_space(), SPACES[config_space]
    assert set(space) == set(wanted)
    for name, (low, high, default, log) in wanted.items():
        found = space[name]
        assert isinstance(found, UniformFloatHyperparameter | UniformIntegerHyperparameter)
        high = min(high, DIGITS_PIXELS) if name == "cutout_length" else high
        if default is None:
            default = math.sqrt(low * high) if log else (low + high) / 2
        assert (found.lower, found.upper, found.log) == (low, high, log)
        assert found.default_value == pytest.approx(default, rel=1e-9), name
        # What is not tuned, a search of the default included, is as the default says.
        assert spec.search[name] == pytest.approx(default, rel=1e-9)
        assert spec.default_settings[name] == spec.search[name]


@pytest.mark.slow
def test_the_paper_runs_at_a_tiny_size(tmp_path: Path) -> None:
    tiny = [
        *("dataset=digits", "table=digits", "iterations=1", "min_budget=1", "max_budget=2"),
        *("search.channels=4", "search.stacks=1", "search.cells_per_stack=1"),
        "search.train_share=0.2",
    ]
    name = "seed-1_cs3-paper_pc_darts_space-1"
    settings = [word for one in tiny for word in ("--set", one)]
    ended = run("launch", "paper", "--dir", tmp_path / "p", "--only", name, *settings)
    assert ended.returncode == 0, ended.stderr

    view = read_study(tmp_path / "p" / name)
    assert view.finished
    trials = [trial for trial, _ in view.evaluations]
    assert [trial.budget for trial in trials] == [1, 1, 2]
    assert BASELINE_ID in {trial.id for trial in trials}
    assert len({trial.seed for trial in trials}) == 1
    for trial, result in view.evaluations:
        own = np.random.default_rng((trial.objective_seed, 1))
        assert result.info["drawn_repeat"] == own.integers(3)


# optimizers/{darts,gdas,pc_darts}/cluster_scripts/search_space_*/*.sh
ABLATIONS: dict[str, dict[str, list[Any]]] = {
    "ablation-weight-decay": {"search.weight_decay": [1e-4, 3e-4, 9e-4, 27e-4, 81e-4]},
    "ablation-learning-rate": {"search.learning_rate": [0.25, 0.025, 0.0025]},
    "ablation-cutout": {"search.cutout_prob": [0.0, 1.0]},
    # 20 of 100 epochs
    "ablation-warmup": {"search.warmup_share": [0.0, 0.2], "search.cutout_prob": [0.0, 1.0]},
}


@pytest.mark.parametrize("name", [*ABLATIONS, "ablation-order"])
def test_the_ablations_are_searches_in_the_papers_network(name: str) -> None:
    grid = grid_of(name)
    varied = {key: values for key, values in grid.document["grid"].items() if key != "space"}
    if name == "ablation-order":
        assert varied == {
            "searcher": ["darts", "darts_second_order"],
            "max_budget": [25, 50, 100],
        }
    else:
        assert varied == {"searcher": GRID["searcher"], **ABLATIONS[name]}
        assert {member.spec.max_budget for member in grid.members} == {100}
    assert grid.confirm == 12

    keys = {key.removeprefix("search.") for key in varied}
    for member in grid.members:
        settings = member.spec.search_settings
        wanted = {key: value for key, value in SEARCH.items() if key not in keys}
        assert {key: getattr(settings, key) for key in wanted} == wanted
        assert (member.spec.iterations, member.spec.config_space) == (0, "none")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["comparison", *ABLATIONS, "ablation-order"])
def test_every_setting_of_a_shipped_grid_can_be_searched(name: str) -> None:
    grid = grid_of(name, "dataset=digits", "table=digits")
    for member in grid.chosen(["space=1"]):
        spec = complete(member.spec, name)
        chosen = {
            key.removeprefix("search."): value
            for key, value in member.values.items()
            if key.startswith("search.")
        }
        assert chosen.items() <= spec.search.items()
        assert spec.optimizer_settings.max_budget == member.spec.max_budget


def test_the_comparison_has_every_searcher_at_its_defaults() -> None:
    grid = grid_of("comparison")
    assert sorted(grid.document["grid"]["searcher"]) == sorted(names("searcher"))
    assert {member.spec.space for member in grid.members} == {1, 2, 3}
    assert {member.spec.max_budget for member in grid.members} == {25, 50, 100}
    assert len(grid.members) == 9 * len(names("searcher"))
    assert grid.confirm == 12
    for member in grid.members:
        assert member.spec.search_settings == type(member.spec.search_settings)()


def test_the_paper_in_code_is_the_default_settings() -> None:
    """What the studies leave out is a default that is the paper's."""
    defaults = SearchSettings()
    same = [key for key in SEARCH if key not in ("supernet", "warmup_share")]
    assert {key: getattr(defaults, key) for key in same} == {key: SEARCH[key] for key in same}
