"""The page of a grid: ranks, effects and the table, from studies whose results are made up."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
from support.made_confirmation import made_confirmation
from support.study_commands import called

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.grids.grid import GRID_FILE, make_grid
from oneshot_hpo.experiments.grids.running import opened_grid
from oneshot_hpo.experiments.numbers.grid_results import grid_results
from oneshot_hpo.experiments.numbers.sources import read_figure_sources
from oneshot_hpo.experiments.report import grid as page
from oneshot_hpo.experiments.study.yaml_files import dump_yaml, load_yaml

SEEDS = 7
RNG = np.random.default_rng(0)
SPREAD = RNG.uniform(0, 0.002, SEEDS)
TUNED = {"darts": 0.01, "gdas": 0.03}
DEFAULT = 0.05


@pytest.fixture(scope="module")
def folder(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two searchers with three study seeds each; one study has not begun. Not to be changed."""
    document = load_yaml(tiny_study.read_text())
    document = {key: value for key, value in document.items() if key not in ("searcher", "seed")}
    document |= {"name": "two", "grid": {"searcher": ["darts", "gdas"], "seed": [1, 2, 3]}}
    folder = tmp_path_factory.mktemp("grids") / "two"
    folder.mkdir()
    (folder / GRID_FILE).write_text(dump_yaml(document))
    for member in make_grid(document, "test").members[:-1]:
        own = folder / f"{member.name}.yaml"
        own.write_text(dump_yaml(member.spec.model_dump(mode="json", exclude_unset=True)))
        tuned = (TUNED[member.values["searcher"]] + SPREAD).tolist()
        made_confirmation(folder / member.name, own, tuned, (DEFAULT + SPREAD).tolist())
        own.unlink()
    return folder


def test_results_are_read_by_method_and_condition(folder: Path) -> None:
    found = grid_results(opened_grid(folder), folder)
    assert found.methods == ["darts", "gdas"]
    assert found.places == ["all"]
    assert found.confirmed
    assert [one.seed for one in found.cell("darts", "all")] == ["1", "2", "3"]
    for one in found.studies:
        assert one.value == pytest.approx(TUNED[one.method] + float(np.median(SPREAD)))
        assert one.gain == pytest.approx(DEFAULT - TUNED[one.method])
        assert one.comparison is not None
        assert one.comparison.tests == 5
        # Seven pairs of one sign: p is 2/128, five tests together.
        assert one.comparison.p_value == pytest.approx(5 * 2 / 128)
        assert one.comparison.verdict == "not shown"
    ranks = found.ranks
    assert ranks.methods == ["darts", "gdas"]
    assert ranks.ranks.tolist() == [1.0, 2.0]
    assert ranks.conditions == 2  # the third seed lacks gdas
    assert len(found.left_out) == 1


@pytest.mark.slow
def test_the_page_shows_them(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "grid.html"
    ended = called("report", folder, "--out", out)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == str(out)
    text = html.unescape(
        re.sub(r"<[^>]+>", " ", out.read_text().split("<main>")[1].split("</main>")[0])
    )
    assert "the median test regret of its tuned configuration over fresh seeds" in text
    assert "Over 2 conditions (space, data and seed)" in text
    mean = 100 * (0.01 + float(np.median(SPREAD)))
    assert f"{mean:.2f} ± 0.00 (3)" in text
    assert "5 of 6 studies have a result" in html.unescape(out.read_text())
    assert "Without a result yet: " in text

    results = grid_results(opened_grid(folder), folder)
    chart = page.effects_chart(results)
    trace = json.loads(chart.figure.to_json())["data"][0]  # type: ignore[union-attr]
    assert trace["z"] == [[pytest.approx(4.0)], [pytest.approx(2.0)]]
    assert trace["text"] == [["+4.00 (3 not shown)"], ["+2.00 (2 not shown)"]]
    points = json.loads(page.ranks_chart(results).figure.to_json())["data"][0]  # type: ignore[union-attr]
    assert points["x"] == [1.0, 2.0]


def test_a_grid_is_a_source_of_figures(folder: Path) -> None:
    sources = read_figure_sources([str(folder)])
    assert len(sources.studies) == 5
    assert sources.settings == [None] * 5


def test_a_grid_without_results_is_one_line(tmp_path: Path, folder: Path) -> None:
    (tmp_path / GRID_FILE).write_bytes((folder / GRID_FILE).read_bytes())
    with pytest.raises(UserError, match="has a result with a test regret yet"):
        page.write_grid_report(tmp_path)
    with pytest.raises(UserError, match="no study of this grid has a finished trial yet"):
        read_figure_sources([str(tmp_path)])
    ended = called("report", tmp_path, tmp_path / "x.parquet")
    assert ended.returncode == 2
    assert "baselines and --watch are for a study of it" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == [GRID_FILE]
