"""What a plan is made of, and what it refuses."""

import sys
from typing import Any

import pytest
from support.extras import needs_smac
from support.plans import plan

from oneshot_hpo.experiments.baselines.methods import SLOW, left_out
from oneshot_hpo.experiments.baselines.plan import Block
from oneshot_hpo.experiments.errors import is_user_error
from oneshot_hpo.hpo.baselines import METHODS
from oneshot_hpo.plugins import MissingPackage
from oneshot_hpo.search_spaces.registry import known_spaces


@needs_smac
def test_everything_is_there_by_default() -> None:
    made = plan(methods="all", spaces=["1", "1,1"], repetitions=500, evaluations=280)
    assert set(made.methods) == set(METHODS).difference(SLOW) and made.spaces == (1,)
    assert made.settings["re"].population == 100 and made.settings["re"].sample == 10
    assert made.settings["reinforce"].learning_rate == 0.1
    assert made.settings["smac"].trees == 10 and made.settings["smac"].max_repeats == 4
    assert made.problem(1).choices == (3, 6, 10, 3, 3, 3, 3)
    repetitions = dict.fromkeys(made.methods, 0)
    for block in made.blocks:
        repetitions[block.method] += block.count
    assert repetitions == dict.fromkeys(made.methods, 500) | {"smac": 20, "pnas": 50}
    assert [block.key for block in made.blocks] == sorted(block.key for block in made.blocks)


def test_all_are_those_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smac", None)
    line = "method smac needs the package smac: pip install 'oneshot-hpo[smac]'"
    made = plan(methods="all")
    assert set(made.methods) == set(METHODS) - {"smac", *SLOW}
    assert "smac" not in made.document["versions"]
    hours = [f"method {name} takes hours; --methods {name} runs it" for name in SLOW]
    assert (left_out("all"), left_out("rs,tpe")) == ([line, *hours], [])
    for methods in ("smac", "all,smac"):
        assert line not in left_out(methods)
        with pytest.raises(MissingPackage) as missing:
            plan(methods=methods)
        assert str(missing.value) == line


def test_blocks_cover_all_repetitions_once() -> None:
    assert plan(methods="rs", repetitions=120).blocks == [
        Block("rs", 1, 0, 50),
        Block("rs", 1, 50, 50),
        Block("rs", 1, 100, 20),
    ]


def test_settings_are_changed_by_method() -> None:
    made = plan(overrides=["bohb.min_bandwidth=1e-3", "hyperband.bracket_sizes=hpbandster"])
    assert made.settings["bohb"].min_bandwidth == 0.001
    assert made.settings["bohb"].bracket_sizes == "paper"
    assert made.settings["hyperband"].bracket_sizes == "hpbandster"
    assert made.document["methods"]["bohb"]["min_bandwidth"] == 0.001


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"methods": "rs,annealing"}, "no method 'annealing': there are rs, re,"),
        ({"methods": ","}, "--methods names none"),
        ({"spaces": ["1,4"]}, f"--space: there are search spaces {known_spaces()}, not 4"),
        ({"evaluations": 0}, "must be 1 or more, not 0"),
        ({"evaluations": 2}, "bohb, table of digits: the first bracket takes 3 evaluations"),
        ({"repetitions": -1}, "must be 1 or more"),
        ({"objective": "median"}, "mean, draw or test_mean"),
        ({"table": "none.npz"}, "no table 'none.npz'"),
        pytest.param(
            {"methods": "smac", "evaluations": 10**6, "objective": "mean"},
            "14580 configurations",
            marks=needs_smac,
        ),
        ({"overrides": ["bohb.etta=5"]}, "unknown key 'etta' in section bohb: did you mean eta"),
        (
            {"overrides": ["bohb.num_samples=0"]},
            "must be a whole number from 1 to 10,000, not 0",
        ),
        ({"overrides": ["bohb=5"]}, "bohb.SETTING=VALUE"),
        ({"overrides": ["hyperbnd.eta=2"]}, "no method 'hyperbnd': did you mean hyperband?"),
        ({"overrides": ["re.sample=5"]}, "not among those to run"),
        ({"seconds": 100.0}, "--evaluations and --seconds: choose one of them"),
        ({"seconds": 0.001, "evaluations": None}, "the longest training of digits takes"),
        ({"seconds": float("nan"), "evaluations": None}, "the longest training of digits takes"),
        ({"seconds": 1e12, "evaluations": None}, "evaluations of a repetition"),
        ({"budget": 3, "methods": "rs"}, "has budgets 1, 2, 4, not 3"),
        ({"budget": 2}, "there is only 2: leave out hyperband and bohb"),
        ({"overrides": ["bohb.eta=3"]}, "eta 3 needs budget 1.33333, but there are only 1, 2, 4"),
    ],
)
def test_what_cannot_be_is_a_users_error(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as raised:
        plan(**options)
    assert is_user_error(raised.value) and words in str(raised.value)
