"""The setting `cuda_graphs` where there is no GPU; benchmarks/gpu checks it on one."""

import dataclasses

import pytest
from support.tiny_searches import TINY, search

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import run_search
from oneshot_hpo.searchers.registry import (
    SEARCHERS,
    STATIC_STEPS,
    check_cuda_graphs,
    settings_class,
)
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError


@pytest.mark.parametrize("name", sorted({*SEARCHERS} - {*STATIC_STEPS}))
def test_searchers_whose_steps_differ_refuse_it(name):
    settings = settings_class(name)(cuda_graphs=True)
    with pytest.raises(SettingsError, match=f"cuda_graphs must be false for {name}, .*darts"):
        check_cuda_graphs(name, settings)


@pytest.mark.parametrize("name", STATIC_STEPS)
def test_the_others_have_it(name):
    check_cuda_graphs(name, settings_class(name)(cuda_graphs=True))


def test_a_search_refuses_it_before_it_begins(few_digits, tmp_path):
    with pytest.raises(SettingsError, match="cuda_graphs must be false for drnas"):
        run_search(
            searcher="drnas",
            settings=dataclasses.replace(TINY, cuda_graphs=True),
            space=get_space(1),
            data=few_digits,
            epochs=1,
            seed=0,
            folder=tmp_path / "search",
        )
    assert not (tmp_path / "search").exists()


def test_a_rule_that_decides_within_a_step_refuses_it():
    with pytest.raises(SettingsError, match="cuda_graphs must be false: operations"):
        SearchSettings(cuda_graphs=True, early_stop="operations")


@pytest.mark.slow
def test_on_a_cpu_it_changes_nothing(few_digits):
    with_graphs = dataclasses.replace(TINY, cuda_graphs=True)
    assert search(few_digits, settings=with_graphs) == search(few_digits)
