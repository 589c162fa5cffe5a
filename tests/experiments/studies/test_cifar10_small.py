"""The shipped study on reduced CIFAR-10, and the grids of it that the results come from."""

import itertools
from pathlib import Path

import pytest

from oneshot_hpo.experiments import study as study_package
from oneshot_hpo.experiments.grids.costs import Cost, cost
from oneshot_hpo.experiments.grids.grid import Grid, load_grid
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.schedules import REFERENCE_STEPS, architecture_rate
from oneshot_hpo.searchers.settings import SearchSettings

RESULTS = Path(study_package.__file__).parents[1] / "results"
GRIDS = ("cifar10-small-cs2", "cifar10-small-cs3", "cifar10-small-201")
IMAGES = 25_000
"""Of CIFAR-10, for the weights."""


def settings_of(spec: StudySpec) -> SearchSettings:
    return settings_class(spec.searcher)().with_config(spec.search)


def grid_of(name: str) -> Grid:
    grid = load_grid(str(RESULTS / f"{name}.yaml"))
    assert grid is not None
    return grid


def test_it_has_the_cost_that_its_file_names() -> None:
    spec = load_study("cifar10-small")
    assert cost(spec) == Cost(studies=1, evaluations=57, epochs=420)
    assert cost(spec, confirm=10).epochs - cost(spec).epochs == 240


def test_the_architecture_moves_as_far_as_in_the_authors_searches() -> None:
    """Steps times rate at each budget: half of the 10,000 images train the weights."""
    spec = load_study("cifar10-small")
    steps_of_epoch = int(0.2 * IMAGES) // 96
    for epochs in (3, 6, 12):
        rate = architecture_rate(settings_of(spec), IMAGES, epochs)
        assert rate * epochs * steps_of_epoch == pytest.approx(3e-4 * REFERENCE_STEPS)
    assert rate == pytest.approx(6.25e-3)


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_runs_the_shipped_study(name: str) -> None:
    """What a grid varies, and nothing else, differs from the study."""
    shipped = load_study("cifar10-small").model_dump(mode="json")
    grid = grid_of(name)
    assert grid.name == name
    assert grid.confirm == 10
    allowed = {
        "cifar10-small-cs2": {"name", "space", "searcher"},
        "cifar10-small-cs3": {"name", "space", "searcher", "config_space", "search"},
        "cifar10-small-201": {"name", "space", "searcher", "table"},
    }[name]
    for member in grid.members:
        own = member.spec.model_dump(mode="json")
        assert {key for key in own if own[key] != shipped[key]} <= allowed


def test_the_grids_are_the_studies_of_the_page() -> None:
    found = [(one.spec.searcher, one.spec.space) for one in grid_of("cifar10-small-cs2").members]
    searchers = ("darts", "gdas", "pc_darts", "random_ws")
    assert sorted(found) == sorted(itertools.product(searchers, (1, 2, 3)))
    cs3 = grid_of("cifar10-small-cs3").members
    assert {one.spec.space for one in cs3} == {1}
    assert [one.spec.searcher for one in cs3] == ["darts", "gdas", "pc_darts"]
    other = grid_of("cifar10-small-201").members
    assert {one.spec.space for one in other} == {"nasbench201"}
    assert [one.spec.searcher for one in other] == ["darts", "sdarts_rs"]


def test_cs3_tunes_the_rate_where_the_rule_is_at_12_epochs() -> None:
    """A range as wide as the named space's, around the scaled default in place of 3e-4."""
    [first, *_] = grid_of("cifar10-small-cs3").members
    assert first.spec.search["arch_learning_rate"] == pytest.approx(6.25e-3)
    section = first.spec.config_space
    assert isinstance(section, dict)
    assert section["base"] == "cs3"
    scale = 6.25e-3 / 3e-4
    ends = section["arch_learning_rate"]
    assert ends["lower"] == pytest.approx(1e-5 * scale, rel=0.05)
    assert ends["upper"] == pytest.approx(1e-2 * scale, rel=0.05)


def test_the_grids_need_real_cifar10_alone(tmp_path: Path) -> None:
    """No code of one's own, no file beside them: they run on any machine with the data."""
    for name in GRIDS:
        for member in grid_of(name).members:
            assert member.spec.dataset == "cifar10"
            assert member.spec.table in ("nasbench101", "nasbench201")
            assert member.spec.command is None
