"""A space and a table that are not NAS-Bench-101's: groups, scores, gaps, no drawing, a name."""

import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from support.grouped_space import SPACE, GroupedSpace
from support.made_table import MadeTable, registered
from support.plans import plan, write_baselines

from oneshot_hpo.experiments.analyze.operations.making import analyse_operations
from oneshot_hpo.experiments.analyze.operations.population import of_space
from oneshot_hpo.experiments.analyze.sample import sample_cells, shared_sample
from oneshot_hpo.experiments.atlas.making import write_atlas
from oneshot_hpo.experiments.baselines.plan import Block
from oneshot_hpo.experiments.baselines.search import TableObjective, search
from oneshot_hpo.experiments.baselines.summary import final_test_errors
from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.numbers.baselines_file import read_baselines
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome, valid_repeats
from oneshot_hpo.experiments.study.cell_errors import CellErrors
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.search_spaces import load_table

TABLE = MadeTable.new()


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    return str(registered(monkeypatch, tmp_path))


def test_an_outcome_is_by_the_main_metric_and_says_what_is_imputed(table: str) -> None:
    architecture = SPACE.architecture(40)
    outcome = table_outcome(table, SPACE, architecture)
    score = np.nanmean(TABLE.values("test_ssim", 40))
    assert outcome.test == pytest.approx(1 - score)
    assert outcome.document == SPACE.to_document(architecture)
    assert outcome.key == SPACE.key(architecture)
    assert len(valid_repeats(table, SPACE, architecture)) == 2  # a gap in every fifth row
    assert table_outcome(table, SPACE, SPACE.architecture(3)).imputed
    errors = CellErrors(table, "grouped").errors(outcome.document)
    assert errors == (outcome.valid, outcome.test)


def test_baselines_are_run_and_read_by_the_name_of_the_space(table: str, tmp_path: Path) -> None:
    chosen = plan(table=table, spaces=["grouped"], methods="rs,re", evaluations=20, repetitions=3)
    assert chosen.problem("grouped").choices == (4, 12, 2)
    results = write_baselines(tmp_path, chosen)
    file = read_baselines(results, None, "runs")
    assert file.spaces == ["grouped"]
    assert file.methods("grouped") == ["re", "rs"]
    assert file.methods(1) == []
    samples = file.samples("grouped", table, None)
    best = load_table(table).best(SPACE).test_error
    for sample in samples:
        last = final_test_errors(results, sample.method, "grouped")
        np.testing.assert_allclose(np.sort(sample.values), np.sort(last - best))
    with pytest.raises(UserError, match="holds nothing of space 1, only of grouped"):
        file.samples(1, table, None)


def test_draws_are_repeats_that_there_are(table: str) -> None:
    objective = TableObjective.of_table(table, "grouped")
    chosen = plan(table=table, spaces=["grouped"], methods="rs", evaluations=60, objective="draw")
    trace = search(chosen, Block("rs", "grouped", 0, 5), objective)
    repeats = objective.valid_errors[3][trace.cells]
    assert not np.isnan(trace.losses).any()
    assert (repeats == trace.losses[..., None]).any(-1).all()


def test_an_atlas_says_that_there_are_no_drawings(table: str, tmp_path: Path) -> None:
    page = write_atlas(
        space="grouped", table=table, folders=[], cells=[], out=tmp_path / "atlas.html"
    ).read_text()
    assert "The grouped space in the table of made on shapes" in page
    assert "The grouped space has no drawings of its cells" in page
    best = SPACE.architecture(int(TABLE.mean_errors("test", np.arange(96)).argmin()))
    assert SPACE.text(best).replace('"', "&#34;") in page
    assert re.search(r"(node_\d: \d \w+ becomes \d \w+|last: \w+ becomes \w+)", page)


def test_operations_are_those_of_the_space(table: str, tmp_path: Path) -> None:
    population = of_space(load_table(table), "grouped")
    assert population.operations == SPACE.operations
    with pytest.raises(UserError, match="no cells outside its space"):
        analyse_operations(
            Console(quiet=True),
            spaces="grouped",
            all_cells=True,
            table=table,
            top=5.0,
            folder=tmp_path,
        )


def test_a_sample_is_of_the_tables_entries(table: str) -> None:
    opened = load_table(table)
    sample = shared_sample(opened, SPACE, "40", 3)
    assert len(set(sample.configurations.tolist())) == 40
    assert np.isnan(sample.parameters).all()  # the table does not say
    few = sample_cells(opened, SPACE, 5, np.random.default_rng(0), np.array([2, 4, 6]))
    assert few.configurations.tolist() == [2, 4, 6]


def test_a_study_names_its_space(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load_study("quickstart", ["space=grouped", f"table={table}", "transfer=true"])
    assert spec.space == "grouped"
    with pytest.raises(StudyFileError, match="here: the grouped space has no supernet"):
        complete(spec, "here")
    monkeypatch.setattr(GroupedSpace, "supernet", "of.mine:supernet_of")  # not made here
    assert complete(spec, "here").title.startswith("quickstart: darts in the grouped space on")
    numbered = load_study("quickstart", ["space=1"])
    assert complete(numbered, "here").model_dump()["space"] == 1
    for space, words in (("1", "'1'"), ("nasbench101-1", "")):
        same = complete(load_study("quickstart", [f'space="{space}"']), "here")
        assert same.space == 1, words
    with pytest.raises(
        StudyFileError, match=r"there are search spaces 1, 2, 3, .* and grouped, not 'groupd'"
    ):
        complete(load_study("quickstart", ["space=groupd"]), "here")
    with pytest.raises(StudyFileError, match="is one of nasbench101, not of the grouped space"):
        complete(load_study("quickstart", ["space=grouped"]), "here")
