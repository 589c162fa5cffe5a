import pytest

from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError

SAMPLED = {"conclude_every": None}
UNIFORM = SAMPLED | {"fairness": "expectation"}
DEFAULTS = {
    "darts": {},
    "darts_second_order": {"hessian_epsilon": 0.01},
    "pc_darts": {"partial_channels": 4, "warmup_share": 0.3},
    "gdas": {"temperature_start": 10.0, "temperature_end": 1.0},
    "random_ws": UNIFORM | {"ranked_cells": 1000, "ranked_batches": 10, "evaluated_cells": 5},
    "single_path": {
        **UNIFORM,
        "population": 50,
        "generations": 20,
        "survivors": 10,
        "mutation_prob": 0.1,
        "refill": True,
        "scored_images": 8000,
        "recalibration_images": 512,
    },
    "enas": {
        **SAMPLED,
        "arch_learning_rate": 3.5e-4,
        "controller_beta1": 0.9,
        "controller_epsilon": 1e-8,
        "entropy_weight": 0.1,
        "baseline_decay": 0.99,
        "sampled_cells": 1000,
        "ranked_batches": 10,
        "evaluated_cells": 5,
    },
    "proxylessnas": {
        "arch_learning_rate": 6e-3,
        "arch_weight_decay": 0.0,
        "warmup_share": 0.25,
    },
    "drnas": {},
    "snas": {"temperature_start": 1.0, "temperature_end": 0.03},
    "sdarts_rs": {"perturbation_start": 0.03, "perturbation_end": 0.3},
    "sdarts_adv": {"perturbation_start": 0.03, "perturbation_end": 0.3, "attack_steps": 7},
    "fairdarts": {"arch_learning_rate": 3e-3, "zero_one_weight": 10.0},
    "ddpnas": {"distribution_momentum": 0.9, "sharpness": 100.0},
    "balenas": {"likelihood_images": 25_000},
}


@pytest.mark.parametrize("name", SEARCHERS)
def test_defaults_are_the_papers_and_all_else_is_shared(name):
    settings = settings_class(name)()
    assert {key: getattr(settings, key) for key in DEFAULTS[name]} == DEFAULTS[name]
    shared = vars(SearchSettings())
    others = {key: value for key, value in vars(settings).items() if key not in DEFAULTS[name]}
    assert others == {key: value for key, value in shared.items() if key not in DEFAULTS[name]}


@pytest.mark.parametrize("name", SEARCHERS)
def test_ranges_contain_the_default(name):
    settings = settings_class(name)()
    for key, tuned in settings.own_ranges().items():
        assert tuned.low <= getattr(settings, key) <= tuned.high
        assert tuned.low > 0 or not tuned.log


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("darts_second_order", {"hessian_epsilon": 0.0}),
        ("pc_darts", {"partial_channels": 0}),
        ("pc_darts", {"partial_channels": 3}),
        ("pc_darts", {"warmup_share": 1.5}),
        ("gdas", {"temperature_end": 0}),
        ("gdas", {"temperature_start": float("nan")}),
        ("random_ws", {"ranked_cells": 0}),
        ("random_ws", {"ranked_batches": 1.5}),
        ("random_ws", {"evaluated_cells": "5"}),
        ("random_ws", {"conclude_every": 0}),
        ("random_ws", {"fairness": "fair"}),
        ("single_path", {"population": 0}),
        ("single_path", {"survivors": True}),
        ("single_path", {"mutation_prob": -0.1}),
        ("single_path", {"recalibration_images": -1}),
        ("enas", {"baseline_decay": 1.1}),
        ("single_path", {"refill": 1}),
        ("single_path", {"scored_images": 0}),
        ("enas", {"sampled_cells": 0}),
        ("enas", {"controller_beta1": 1.0}),
        ("snas", {"temperature_end": 0}),
        ("sdarts_rs", {"perturbation_end": -0.1}),
        ("sdarts_adv", {"attack_steps": 0}),
        ("fairdarts", {"zero_one_weight": -1}),
        ("ddpnas", {"distribution_momentum": 1.0}),
        ("ddpnas", {"sharpness": 0}),
        ("balenas", {"likelihood_images": 0.5}),
    ],
)
def test_bad_values_are_refused_by_name(name, changed):
    with pytest.raises(SettingsError, match=next(iter(changed))):
        settings_class(name)(**changed)


def test_a_setting_of_another_searcher_is_unknown():
    with pytest.raises(SettingsError, match="no search setting 'temperature_start'"):
        settings_class("darts")().with_config({"temperature_start": 5.0})


@pytest.mark.parametrize(
    ("name", "recorded", "old"),
    [
        ("random_ws", {}, {"fairness": "expectation", "conclude_every": None}),
        ("single_path", {}, {"refill": False, "scored_images": None}),
        ("enas", {"sampled_cells": 100}, {"ranked_batches": 1, "evaluated_cells": 1}),
    ],
)
def test_a_record_without_later_settings_compares_cells_as_it_did(name, recorded, old):
    settings = settings_class(name)(**settings_class(name).with_absent(recorded))
    assert {key: getattr(settings, key) for key in old} == old
    assert not settings.to_record().keys() & old.keys()
