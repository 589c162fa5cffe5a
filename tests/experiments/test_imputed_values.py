"""What rests on imputed values of a table says so: journal, page, comparison, CSV."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
from support.page_study import DIGITS, confirm, make_study, tell_all

from oneshot_hpo.experiments.compare.sources import read_sources
from oneshot_hpo.experiments.exports.csv_files import write
from oneshot_hpo.experiments.report.headline import read
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.search_spaces import load_table
from oneshot_hpo.search_spaces.table import Origin
from oneshot_hpo.search_spaces.table_file import write_table

WORDS = "of a model, not of a training"


def table_with(imputed: slice, path: Path) -> str:
    """The digits' table, whose test errors in these rows are said to be imputed."""
    table = load_table("digits")
    codes = np.zeros((len(table), len(table.budgets)), np.uint8)
    codes[imputed, -1] = Origin.IMPUTED
    write_table(dataclasses.replace(table, origins={"test_error": codes}), path)
    return str(path)


def study_on(table: str, folder: Path, tiny_study: Path) -> OpenedStudy:
    with make_study(folder, tiny_study, *DIGITS, f"table={table}") as study:
        tell_all(study, folder, table)
        confirm(study, folder, table, seeds=2)
    return OpenedStudy(folder)


def test_a_study_on_imputed_values_is_marked_wherever_it_is_shown(
    tiny_study: Path, tmp_path: Path
) -> None:
    table = table_with(slice(None), tmp_path / "imputed.npz")
    study = study_on(table, tmp_path / "study", tiny_study)
    assert all(result.info["imputed"] is True for _, result in study.view.evaluations)
    count = len(study.view.evaluations)
    assert study.imputed is not None
    assert study.imputed.startswith(f"The errors of {count} of {count} results are {WORDS}")
    assert study.imputed in read(study).sentences
    [shown], _ = read_sources([str(study.folder)])
    assert any(WORDS in note for note in shown.notes)
    write(study, tmp_path)
    with (tmp_path / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["imputed"] for row in rows} == {"True"}


def test_a_study_on_trainings_says_nothing_of_it(tiny_study: Path, tmp_path: Path) -> None:
    study = study_on("digits", tmp_path / "study", tiny_study)
    assert study.imputed is None
    assert not any("imputed" in result.info for _, result in study.view.evaluations)
    write(study, tmp_path)
    assert "imputed" not in (tmp_path / "trials.csv").read_text().splitlines()[0]
