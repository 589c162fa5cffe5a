"""Stability of planted supernets: rankings whose agreement is known."""

import csv
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra figures")

from typer.testing import CliRunner

from oneshot_hpo.experiments import cli
from oneshot_hpo.experiments.analyze import stability, supernet
from oneshot_hpo.experiments.analyze.inputs import search_settings
from oneshot_hpo.experiments.analyze.plan import SupernetPlan
from oneshot_hpo.experiments.analyze.ranks import pair_estimate, resamples, spearman
from oneshot_hpo.experiments.analyze.sample import Sample, sample_cells
from oneshot_hpo.experiments.analyze.stability_findings import draw, rows, sentences
from oneshot_hpo.experiments.cli.app import app
from oneshot_hpo.search_spaces import get_space, load_table

SPACE = get_space(1)
CELLS = 400
RNG = np.random.default_rng(3)
TRUTH = RNG.normal(size=CELLS)
SAMPLE = Sample(np.arange(CELLS), np.argsort(np.argsort(TRUTH)) / CELLS, -TRUTH)
"""Cells whose size ranks them as the table does."""
WEIGHTS = resamples(CELLS, np.random.default_rng(0))[:200]


def seeds(share: float, count: int = 4) -> list[np.ndarray]:
    """Scores that have this share of their variance in common, the truth; the rest is a seed's."""
    return [
        np.sqrt(share) * TRUTH + np.sqrt(1 - share) * RNG.normal(size=CELLS) for _ in range(count)
    ]


def rho_of(pearson: float) -> float:
    """Spearman's correlation of two normal variables."""
    return 6 / np.pi * np.arcsin(pearson / 2)


def found_of(one: list[np.ndarray], grouped: list[np.ndarray], sample: Sample = SAMPLE):
    early = [0.6 * score + 0.8 * RNG.normal(size=CELLS) for score in one]
    by_epoch = {1: [RNG.normal(size=CELLS) for _ in one], 9: early, 10: one}
    return stability.stability_of(by_epoch, grouped, 3, sample, WEIGHTS)


def test_agreements_are_the_planted_ones():
    found = found_of(seeds(0.5), seeds(0.9))
    assert found.epochs[1].value == pytest.approx(0, abs=0.06)
    assert found.epochs[1].sign == 0
    assert found.epochs[9].value == pytest.approx(rho_of(0.6), abs=0.06)
    assert found.one.seeds.value == pytest.approx(rho_of(0.5), abs=0.06)
    assert found.several.seeds.value == pytest.approx(rho_of(0.9), abs=0.03)
    assert found.one.table.value == pytest.approx(rho_of(np.sqrt(0.5)), abs=0.05)
    assert found.one.parameters.value == found.one.table.value  # size is the truth here
    assert found.size.value == pytest.approx(1)
    assert found.gain.value == pytest.approx(found.several.seeds.value - found.one.seeds.value)
    assert (found.gain.sign, found.lead.sign) == (1, -1)
    assert 0 < found.several.deviation < found.one.deviation < 29  # of independent ranks: 28.9


def test_sentences_are_true_to_the_numbers():
    found = found_of(seeds(0.5), seeds(0.9))
    between, of_seeds, with_size, with_groups = sentences("T", found)
    assert f"after epoch 9 and after the last epoch correlate by Spearman's {found.epochs[9]}" in (
        between
    )
    assert f"after epoch 1 and the last by {found.epochs[1]}" in between
    assert f"two seeds correlate by {found.one.seeds} (mean of 4 supernets;" in of_seeds
    assert f"{found.one.deviation:.1f} points between seeds" in of_seeds
    assert "size alone ranks cells better than the supernet does" in with_size
    assert "less sharing makes ranks of different seeds agree more" in with_groups
    assert f"{found.gain.value:+.2f}" in with_groups
    table = rows(1, "random_ws", found)
    assert len({tuple(row) for row in table}) == 1
    values = {(row["quantity"], row["groups"], row["epoch"]): row["value"] for row in table}
    assert values["spearman between seeds", 3, ""] == found.several.seeds.value
    assert values["spearman with the last epoch", 1, 9] == found.epochs[9].value
    assert draw("T", found).axes[0].get_xlabel() == "epoch"


@pytest.mark.slow
def test_nothing_is_said_of_what_is_not_there():
    unknown = replace(SAMPLE, parameters=np.full(CELLS, np.nan))
    found = found_of(seeds(0.5), [], unknown)
    assert found.one.parameters is found.size is found.lead is found.several is None
    assert len(sentences("T", found)) == 2
    assert len(draw("T", found).axes[1].patches) == 2
    same = found_of(seeds(0.6, 3), seeds(0.6, 3))
    assert same.gain.sign == 0
    assert "is not shown" in sentences("T", same)[-1]
    worse = found_of(seeds(0.9), seeds(0.2))
    assert "agree less" in sentences("T", worse)[-1]
    blind = found_of(seeds(1.0), [], replace(SAMPLE, parameters=RNG.normal(size=CELLS)))
    assert "the supernet ranks cells better than their size does" in sentences("T", blind)[-1]


def test_the_interval_of_pairs_covers_the_truth():
    """Of 4 supernets each; 95 of 100 intervals are meant to hold the correlation."""
    inside = 0
    for _ in range(40):
        own = seeds(0.5)
        found = pair_estimate(
            lambda i, j, w, own=own: spearman(own[i], own[j], w), len(own), WEIGHTS[:50]
        )
        inside += found.low <= rho_of(0.5) <= found.high
    assert inside >= 35
    two = pair_estimate(lambda i, j, w: spearman(own[i], own[j], w), 2, WEIGHTS)
    assert two.supernets == 1  # it says nothing of others


def test_groups_share_out_the_cells_and_the_sample():
    table = load_table("digits")
    sample = sample_cells(table, SPACE, 60, np.random.default_rng(0))
    settings = search_settings("random_ws", "digits", [])
    one = supernet.Supernet(
        searcher="random_ws", settings=settings, space=1, dataset="digits", epochs=3, seed=0
    )
    whole = [one, replace(one, seed=1)]
    found = stability._split(whole, table, SPACE, sample, 3, seed=0)
    assert [len(parts) for parts in found] == [3, 3]
    for parts in found:
        cells = np.concatenate([part.cells for part, _ in parts])
        assert sorted(cells) == list(range(SPACE.num_cells))
        assert sorted(np.concatenate([own for _, own in parts])) == list(range(60))
        for part, own in parts:
            of_cell = SPACE.unique.of_configuration[sample.configurations[own]]
            assert set(of_cell) <= set(part.cells)
    assert found[0][0][0].cells != found[1][0][0].cells  # other seeds, other groups
    assert len({part.name for parts in found for part, _ in parts}) == 6
    assert stability._split(whole, table, SPACE, sample, 1, seed=0) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--supernets", "1"], "--supernets must be 2 at least"),
        (["--epochs", "1"], "--epochs must be 2 at least"),
        (["--searcher", "darts"], "--groups 3: darts does not train on uniformly drawn cells"),
    ],
)
def test_mistakes_are_said_and_leave_nothing(arguments, message, tmp_path, monkeypatch, capsys):
    words = ["oneshot-hpo", "analyze", "stability", *arguments, "--dir", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_command_resumes_and_writes_its_files(tmp_path, table_file, monkeypatch):
    out = tmp_path / "analyses"
    tiny = ["search.channels=2", "search.stacks=2", "search.batch_size=256"]
    words = ["analyze", "stability", "--dir", str(out), "--table", str(table_file)]
    words += ["--cells", "12", "--epochs", "2", "--supernets", "2", "--groups", "2"]
    words += ["--workers", "1", *(part for one in tiny for part in ("--set", one))]

    with monkeypatch.context() as patched:
        patched.setattr(SupernetPlan, "scores", None)  # it stops once all is trained and scored
        assert CliRunner().invoke(app, words).exit_code != 0
    before = {path: path.stat().st_mtime_ns for path in out.glob("supernets/*/epoch-*/*.pt")}
    assert before
    assert not list(out.glob("stability.*"))

    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    assert {path: path.stat().st_mtime_ns for path in before} == before  # nothing was trained
    assert {path.suffix for path in out.glob("stability.*")} == {".csv", ".pdf", ".png", ".txt"}
    with (out / "stability.csv").open() as file:
        quantities = {row["quantity"] for row in csv.DictReader(file)}
    assert "spearman between seeds" in quantities
    assert "correlate by" in (out / "stability.txt").read_text()
