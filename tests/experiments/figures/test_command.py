"""`oneshot-hpo figures` as a user runs it, and what it writes."""

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra figures")
pytest.importorskip("pyarrow", reason="needs the extra baselines")

from PIL import Image
from support.made_study import confirm, new_study, run_study
from support.plans import plan, write_baselines
from support.study_commands import run
from typer.testing import CliRunner

from oneshot_hpo.experiments.cli.app import app
from oneshot_hpo.experiments.errors import NotEnoughData, UserError
from oneshot_hpo.experiments.figures.colours import BASELINES, SEARCHERS, look, looks
from oneshot_hpo.experiments.figures.making import make_figures
from oneshot_hpo.experiments.figures.regret import draw_regret
from oneshot_hpo.experiments.figures.style import styled
from oneshot_hpo.experiments.numbers.methods import Method
from oneshot_hpo.experiments.numbers.regret import regret_curves
from oneshot_hpo.experiments.numbers.sources import read_figure_sources
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.hpo.baselines import METHODS
from oneshot_hpo.searchers.registry import SEARCHERS as REGISTERED

OF_ONE_STUDY = [
    "regret_evaluations_space1",
    "regret_seconds_space1",
    "regret_simulated_space1",
    "regret_real_space1",
    "trajectories_space1",
    "one_shot_correlation",
    "budget_correlation",
    "importance",
    "partial_dependence",
    "configurations",
    "cells",
    "timeline",
]


def check_pdf(path: Path) -> None:
    """One page with something on it, whose fonts are embedded as TrueType."""
    content = path.read_bytes()
    assert content.startswith(b"%PDF-1.4")
    assert content.rstrip().endswith(b"%%EOF")
    assert content.count(b"/Type /Page ") + content.count(b"/Type /Page\n") == 1
    assert b"/FontFile2" in content
    assert b"/CIDFontType2" in content
    assert b"/Type3" not in content
    assert len(content) > 5000


def check_png(path: Path) -> None:
    """A picture with margins, and more than a few dark points in it."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 300
    assert (pixels < 128).sum() > 1000
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    assert all((edge > 250).all() for edge in edges), "something is cut off"


@pytest.mark.slow
def test_all_figures_of_a_study_beside_baselines(
    confirmed_folder: Path, baselines_file: Path
) -> None:
    journals = [confirmed_folder / "journal.jsonl", confirmed_folder / "confirm"]
    before = [path.stat().st_mtime_ns for path in journals]
    ended = run("figures", confirmed_folder, baselines_file)
    assert ended.returncode == 0, ended.stderr
    folder = confirmed_folder / "report" / "figures"
    lines = ended.stdout.splitlines()
    assert lines[0] == f"12 figures in {folder}, each as PDF and PNG:"
    assert [line.strip() for line in lines[1:13]] == OF_ONE_STUDY
    names = {f"{name}.{suffix}" for name in OF_ONE_STUDY for suffix in ("pdf", "png")}
    assert {path.name for path in folder.iterdir()} == names
    for name in OF_ONE_STUDY:
        check_pdf(folder / f"{name}.pdf")
        check_png(folder / f"{name}.png")
    assert [path.stat().st_mtime_ns for path in journals] == before
    shutil.rmtree(confirmed_folder / "report")


@pytest.mark.slow
def test_a_running_study_has_the_figures_that_it_can_have(tmp_path: Path) -> None:
    study = run_study(tmp_path / "study", "seed=2", workers=4, evaluations=5)
    stale = tmp_path / "out" / "importance.png"
    stale.parent.mkdir()
    stale.write_bytes(b"of an earlier time")
    result = CliRunner().invoke(app, ["figures", str(study), "--out", str(stale.parent)])
    assert result.exit_code == 0, result.output
    assert "left out: importance: " in result.output
    assert "importance needs 12 trials of one budget" in result.output
    assert not stale.exists()
    written = {path.name for path in stale.parent.glob("*.pdf")}
    assert {"timeline.pdf", "cells.pdf", "configurations.pdf"} <= written
    assert "importance.pdf" not in written


@pytest.mark.slow
def test_a_study_of_crashes_alone_shows_crashes_alone(tmp_path: Path) -> None:
    study = run_study(tmp_path / "study", workers=2, evaluations=6, all_crash=True)
    made = make_figures(read_figure_sources([str(study)]), tmp_path / "out", lambda _: None)
    assert [path.name for path in made.written] == ["configurations", "timeline"]
    assert all("every trial crashed" in made.left_out[name] for name in OF_ONE_STUDY[4:8])
    assert "every trial crashed" in made.left_out["regret_evaluations_space1"]
    check_png(tmp_path / "out" / "configurations.png")


@pytest.mark.slow
def test_equal_figures_are_equal_bytes(baselines_file: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        sources = read_figure_sources([f"{baselines_file}:rs"])
        made = make_figures(sources, tmp_path / name, lambda _: None)
        assert len(made.written) == 3
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_regret_of_zero_is_on_a_marked_line(tmp_path: Path) -> None:
    made = plan(methods="re", evaluations=3000, objective="mean")
    sources = read_figure_sources([str(write_baselines(tmp_path, made))])
    panel = regret_curves(sources, 1, "evaluations", "valid")
    with styled():
        (ax,) = draw_regret([panel]).axes
    assert [text.get_text() for text in ax.texts] == ["regret 0"]
    assert ax.texts[0].xy[1] == pytest.approx(100 * panel.floor)  # type: ignore[attr-defined]
    low, high = ax.get_ylim()
    lowest = min(min(np.ravel(line.get_ydata())) for line in ax.lines)
    assert 0 < low < lowest < high
    assert lowest == pytest.approx(100 * panel.floor)


def test_a_named_setting_and_a_named_method_stand_alone(
    confirmed_folder: Path, baselines_file: Path
) -> None:
    sources = read_figure_sources([f"{confirmed_folder}:default", f"{baselines_file}:rs"])
    labels = [c.label for c in regret_curves(sources, 1, "evaluations", "test").curves]
    assert labels[1:] == ["darts default (n = 6, 1 crashed)", "rs (n = 6)"]


def test_a_confirmation_of_crashes_alone_is_noted(tmp_path: Path) -> None:
    study = run_study(tmp_path / "study", "seed=2", workers=2, evaluations=12)
    confirm(study, 2, crashing=[0, 1])
    panel = regret_curves(read_figure_sources([str(study)]), 1, "real", "test")
    assert len(panel.curves) == 1
    assert all("every run of its confirmation crashed" in note for note in panel.notes)
    assert len(panel.notes) == 2


def test_input_that_cannot_be_used_is_one_line(
    confirmed_folder: Path, baselines_file: Path, tmp_path: Path, table_file: str
) -> None:
    study = str(confirmed_folder)
    empty = tmp_path / "empty"
    new_study(empty).close()
    other_table = run_study_of(tmp_path / "table", table_file)
    for words, message in (
        ([str(empty)], f"{empty}: no trial has finished yet"),
        ([str(tmp_path)], "holds no study"),
        ([study, study], "is given twice"),
        ([f"{study}:mine"], "no such setting in .* there are tuned, default"),
        ([study, other_table], "regrets of different tables do not belong in one figure"),
        ([other_table, str(baselines_file)], "was made with another table"),
        ([f"{baselines_file}:smac"], "no such method: there are bohb, hyperband, rs"),
    ):
        with pytest.raises(UserError, match=message):
            read_figure_sources(words)
    with pytest.raises(UserError, match="--out FOLDER has to say where figures of no studies go"):
        CliRunner().invoke(app, ["figures", str(baselines_file)], catch_exceptions=False)
    with pytest.raises(UserError, match="cannot be written"):
        make_figures(read_figure_sources([study]), Path("/proc/figures"), lambda _: None)
    assert not (confirmed_folder / "report").exists()


def test_every_method_has_a_look_of_its_own() -> None:
    assert set(SEARCHERS) == set(REGISTERED)
    assert set(BASELINES) == set(METHODS)
    found = [look(Method(name, role)) for name in SEARCHERS for role in ("tuned", "default")]
    found += [look(Method(name, "baseline")) for name in BASELINES]
    assert len(set(found)) == len(found)
    # Without its colour, too.
    assert len({one._replace(colour="") for one in found}) == len(found)


def test_variants_of_a_method_differ_in_lightness() -> None:
    methods = [Method("darts", "tuned", f"in cs{number}") for number in (1, 2, 3)]
    found = [one.colour for one in looks(methods).values()]
    assert len(set(found)) == 3
    assert found[0] == SEARCHERS["darts"][0]
    assert looks(methods)[methods[0]] == look(methods[0])


@pytest.mark.slow
def test_trajectories_without_a_study_are_left_out(baselines_file: Path, tmp_path: Path) -> None:
    made = make_figures(read_figure_sources([str(baselines_file)]), tmp_path, lambda _: None)
    assert made.left_out["trajectories_space1"] == "space 1: trajectories need a study"
    with pytest.raises(NotEnoughData):
        regret_curves(read_figure_sources([str(baselines_file)]), 1, "real", "test")


def run_study_of(folder: Path, table: str) -> str:
    """A study of another table, with one result."""
    with new_study(folder, f"table={table}") as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, TrialResult(0.1))
    return str(folder)
