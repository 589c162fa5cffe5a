"""A study on NAS-Bench-201 from launch to comparison, with a table of made-up numbers."""

import csv
from pathlib import Path

import pytest
from support.browser import OpenedPage, chromium
from support.study_commands import called, events, run

from oneshot_hpo.search_spaces import get_space, load_table

pytestmark = pytest.mark.slow

SPACE = get_space("nasbench201")

STUDY = """
space: nasbench201
searcher: {searcher}
dataset: digits
table: nasbench201:cifar100
transfer: true
config_space: cs2
min_budget: 1
max_budget: 2
iterations: 1
search: {{channels: 2, stacks: 3, cells_per_stack: 1, batch_size: 128}}
cluster: {{threads: 1}}
"""


@pytest.fixture(scope="module")
def study(nasbench201_data: Path) -> Path:
    """A finished study, confirmed with two seeds."""
    folder = nasbench201_data
    (folder / "study.yaml").write_text(STUDY.format(searcher="darts"))
    ended = run("launch", folder / "study.yaml", "--dir", folder / "study")
    assert ended.returncode == 0, ended.stderr
    ended = run("confirm", folder / "study", "--seeds", 2)
    assert ended.returncode == 0, ended.stderr
    return folder / "study"


def test_errors_are_those_of_the_chosen_data_set(study: Path) -> None:
    table = load_table("nasbench201:cifar100")
    told = [event for event in events(study) if event["event"] == "tell"]
    assert len(told) == 4
    for event in told:
        cell = SPACE.from_document(event["info"]["architecture"])
        row = table.row_of(SPACE, cell)
        assert event["info"]["valid_error"] == pytest.approx(table.mean_errors("valid", row))
        assert event["info"]["test_error"] == pytest.approx(table.mean_errors("test", row))
    sound = called("check", study)
    assert sound.returncode == 0, sound.stdout
    assert "4 results compared with the table" in sound.stdout


def test_the_report_draws_and_names_the_cells(study: Path, tmp_path: Path) -> None:
    ended = called("report", study, "--out", tmp_path / "report.html")
    assert ended.returncode == 0, ended.stderr
    page = (tmp_path / "report.html").read_text()
    assert "Transfer: the cells of the table NAS-Bench-201 were trained on cifar100" in page
    told = [event for event in events(study) if event["event"] == "tell"]
    largest = max(event["budget"] for event in told)
    best = min(
        (event["info"] for event in told if event["budget"] == largest),
        key=lambda info: info["valid_error"],
    )
    assert f"Cell: {best['architecture']['cell']}." in page
    with chromium() as browser:
        view = OpenedPage(browser, tmp_path / "report.html")
        assert view.overflow == 0  # a cell's text is long, and has no blank


def test_it_is_compared_and_exported_and_drawn(study: Path, tmp_path: Path) -> None:
    compared = called("compare", study)
    assert compared.returncode == 0, compared.stderr
    assert "test regret in NAS-Bench-201" in compared.stdout

    for tool in ("csv", "deepcave"):
        ended = called("export", study, "--to", tool, "--out", tmp_path / tool)
        assert ended.returncode == 0, ended.stderr
    with (tmp_path / "csv" / "trials.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4

    ended = called("figures", study, "--out", tmp_path / "figures")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "figures" / "cells.pdf").stat().st_size > 1000
    ended = called("atlas", "--study", study, "--out", tmp_path / "atlas.html")
    assert ended.returncode == 0, ended.stderr
    assert (
        "its source gives the means over the seeds alone" in (tmp_path / "atlas.html").read_text()
    )
