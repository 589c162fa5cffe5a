"""The commands, on a synthetic table and supernets of a few steps."""

import csv
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra figures")

from support.processes import finish
from support.study_commands import run, started
from support.waiting import wait_until

from oneshot_hpo.experiments import cli
from oneshot_hpo.experiments.analyze import correlation, planned_search, supernet, trajectories
from oneshot_hpo.experiments.analyze.inputs import search_settings
from oneshot_hpo.searchers.checkpoint import remove_checkpoints

TINY = ["search.channels=2", "search.stacks=2", "search.batch_size=128"]
SETS = [part for setting in TINY for part in ("--set", setting)]


def net(**changed):
    settings = search_settings("random_ws", "digits", TINY)
    common = {"searcher": "random_ws", "settings": settings, "space": 1, "dataset": "digits"}
    return supernet.Supernet(**(common | {"epochs": 3, "seed": 0} | changed))


def rows(path):
    with Path(path).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_supernet_that_was_stopped_anywhere_has_the_scores_of_one_that_was_not(
    tmp_path, monkeypatch
):
    requests = [supernet.ScoreRequest(epoch, 0, tuple(range(0, 14000, 1000))) for epoch in (1, 3)]
    supernet.score(net(), requests, tmp_path / "whole")
    monkeypatch.setattr(supernet, "_AT_ONCE", 4)
    append = supernet._append

    class Killed(BaseException):
        pass

    def killed(folder, line):
        append(folder, line)
        with (folder / supernet.SCORES).open("ab") as file:
            file.write(b'{"epoch": 1, "calibra')  # cut short
        raise Killed

    monkeypatch.setattr(supernet, "_append", killed)
    for _ in range(2):
        with pytest.raises(Killed):
            supernet.score(net(), requests, tmp_path / "stopped")
    monkeypatch.setattr(supernet, "_append", append)
    scored = 2 * 4 / (2 * 14)
    assert supernet.share_done(tmp_path / "none", requests) == 0
    assert supernet.share_done(tmp_path / "stopped", requests) == pytest.approx((1 + scored) / 2)
    assert supernet.share_done(tmp_path / "whole", requests) == 1
    # Weights of an epoch that was not scored before: trained again, to the same.
    remove_checkpoints(tmp_path / "stopped" / "epoch-1")
    supernet.score(net(), requests, tmp_path / "stopped")
    for one in requests:
        found = [supernet.scores(tmp_path / name, one) for name in ("whole", "stopped")]
        assert not np.isnan(found[0]).any()
        assert (found[0] == found[1]).all()
        assert not supernet.missing(tmp_path / "stopped", [one])
    assert supernet.missing(tmp_path / "stopped", [supernet.ScoreRequest(2, 0, (5,))])
    other = supernet.ScoreRequest(3, 100, requests[0].configurations)
    assert np.isnan(supernet.scores(tmp_path / "stopped", other)).all()


def test_names_tell_supernets_apart():
    names = {net().name, net(seed=1).name, net(epochs=2).name, net(cells=(1, 2)).name}
    assert len(names) == 4
    assert net().name == net().name
    assert net(cells=(0,)).search_space.num_configurations < net().search_space.num_configurations


@pytest.mark.slow
def test_correlation_and_then_quality_of_the_same_supernet(tmp_path, table_file, monkeypatch):
    out = tmp_path / "analyses"
    common = ["--dir", out, "--table", table_file, "--cells", "24", *SETS]
    ended = run(
        *("analyze", "correlation", *common, "--searcher", "random_ws", "--epochs", 2),
        *("--supernets", 1, "--workers", 1, "--finetune", 2),
    )
    assert ended.returncode == 0, ended.stderr
    assert "Space 1, random_ws, after epoch 2: ranks of 24 cells" in ended.stdout
    (first, last) = rows(out / "correlation.csv")
    assert (first["finetune_batches"], last["finetune_batches"]) == ("", "2")
    assert last["finetuned_spearman"] != last["spearman"]
    assert "After 2 batches of training on inherited weights Spearman's is" in ended.stdout
    assert (first["epoch"], last["epoch"]) == ("1", "2")
    assert float(last["spearman_low"]) <= float(last["spearman"]) <= float(last["spearman_high"])
    said = (out / "correlation.txt").read_text()
    assert f"Spearman's {float(last['spearman']):.2f} (" in said
    assert {path.suffix for path in out.glob("correlation.*")} == {".csv", ".pdf", ".png", ".txt"}
    before = {path: path.stat().st_mtime_ns for path in out.glob("supernets/*/epoch-2/*.pt")}
    words = ["analyze", "quality", *common, "--lengths", 2, "--supernets", 1]
    monkeypatch.setattr(sys, "argv", ["oneshot-hpo", *map(str, words)])
    with pytest.raises(SystemExit) as again:
        cli.main()
    assert not again.value.code
    assert {path: path.stat().st_mtime_ns for path in before} == before  # scored already
    (quality,) = rows(out / "quality.csv")
    assert quality["spearman"] == last["spearman"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["correlation", "--after", "60"], "--after 60: there are 30 epochs"),
        (["correlation", "--cells", "5"], "--cells must be a number from 10"),
        (["correlation", "--searcher", "dart"], "did you mean darts"),
        (["correlation", "--space", "3"], "lacks"),
        (["quality", "--lengths", "1,x"], "--lengths must be whole numbers"),
        (["quality", "--set", "space=2"], "only search.SETTING=VALUE"),
        (["pruning", "--shares", "0,1"], "--shares must be numbers"),
        (["regularisation", "quickstart"], "single study"),
        (["regularisation", "ablation-cutout", "--space", "9"], "search spaces 1, 2, 3"),
    ],
)
def test_mistakes_are_said_and_leave_nothing(arguments, message, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["oneshot-hpo", "analyze", *arguments, "--dir", str(out)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path, table_file):
    out = tmp_path / "analyses"
    arguments = ["--dir", out, "--table", table_file, "--lengths", 500, "--supernets", 1, *SETS]
    with started("analyze", "quality", *arguments, "--workers", 1) as process:
        wait_until(lambda: list(out.glob("supernets/*/checkpoint.pt")), process)
        process.send_signal(signal.SIGINT)
        _, error = finish(process)
    assert process.returncode == 130
    assert "the same command resumes" in error
    assert list(out.glob("supernets/*/checkpoint.pt"))


def test_settings_of_the_shipped_ablations(tmp_path):
    from oneshot_hpo.experiments.errors import UserError

    (plan,) = trajectories.plan_ablations("ablation-order", 1, "digits", 10, 2, 0, TINY, ["darts"])
    assert {one.epochs for one in plan.searches} == {5, 10, 20}
    assert list(plan.members)[plan.reference] == "darts, 10 epochs"
    assert len(plan.searches) == 12
    both = ["darts", "gdas"]
    cutout, gdas = trajectories.plan_ablations("ablation-cutout", 1, "digits", 10, 2, 0, TINY, both)
    assert (cutout.name, gdas.name) == ("ablation-cutout, darts", "ablation-cutout, gdas")
    assert {one.searcher for one in gdas.searches} == {"gdas"}
    assert list(gdas.members) == list(cutout.members)
    assert {one.epochs for one in cutout.searches} == {10}
    assert list(cutout.members) == ["cutout_prob 0", "cutout_prob 1"]
    assert cutout.reference == 0
    with pytest.raises(UserError, match="no searches by enas"):
        trajectories.plan_ablations("ablation-cutout", 1, "digits", 10, 2, 0, TINY, ["enas"])
    # What two studies have in common is searched once.
    assert cutout.searches[0].name in {one.name for one in plan.searches}


@pytest.mark.slow
def test_a_searched_ablation_and_its_sentence(tmp_path, table_file):
    from oneshot_hpo.experiments.analyze import regularisation
    from oneshot_hpo.experiments.study.cell_errors import CellErrors

    (plan,) = trajectories.plan_ablations("ablation-cutout", 1, "digits", 2, 2, 0, TINY, ["darts"])
    for search in plan.searches:
        planned_search.run_one(search, tmp_path / search.name)
        assert planned_search.finished(tmp_path / search.name)
    found = trajectories.read_ablation(plan, tmp_path, CellErrors(table_file, 1))
    table = regularisation.rows(1, [found])
    assert [row["epoch"] for row in table] == [1, 2, 1, 2]
    (reference, other) = regularisation.verdicts(found)
    assert (reference.word, other.word) == ("", "not shown")
    assert table[1]["test_error_median"] == reference.median
    said = regularisation.sentence(1, found)
    assert f"cutout_prob 0 {100 * reference.median:.2f} %" in said
    assert "a difference is not shown" in said
    assert "With this few seeds" in said  # two


@pytest.mark.slow
def test_a_search_that_diverges_counts_as_the_worst(tmp_path, table_file):
    from oneshot_hpo.experiments.study.cell_errors import CellErrors

    wild = [*TINY, "search.learning_rate=1e30", "search.grad_clip=1e30"]
    (plan,) = trajectories.plan_ablations("ablation-cutout", 1, "digits", 2, 1, 0, wild, ["darts"])
    for search in plan.searches:
        planned_search.run_one(search, tmp_path / search.name)
        assert planned_search.finished(tmp_path / search.name)
    found = trajectories.read_ablation(plan, tmp_path, CellErrors(table_file, 1))
    assert [setting.crashed for setting in found.settings] == [1, 1]


def test_epochs_that_are_looked_at():
    assert correlation.spread(50) == [1, 3, 10, 30, 50]
    assert correlation.spread(1) == [1]


def confirm_default(folder, seeds):
    """As a study that tunes nothing is confirmed, its searches made up."""
    from support.made_study import result_of, write_search

    from oneshot_hpo.hpo import Confirmation, read_study

    view = read_study(folder)
    with Confirmation.create(
        folder / "confirm", header=view.header, seed=0, budget=3
    ) as confirmation:
        confirmation.plan("default", view.baseline[0].config, seeds)
        while (run := confirmation.ask()) is not None:
            write_search(folder / "confirm", run, False)
            confirmation.tell(run, result_of(run, time.time(), False))


@pytest.mark.slow
def test_a_grid_that_was_launched_is_read(tmp_path):
    from support.made_study import run_study

    from oneshot_hpo.experiments.analyze import regularisation
    from oneshot_hpo.experiments.errors import UserError
    from oneshot_hpo.experiments.study.yaml_files import dump_yaml

    common = {"searcher": "darts", "config_space": "none", "iterations": 0}
    common |= {"min_budget": 1, "max_budget": 3}
    rates = [0.25, 0.025]
    grid = {"space": [1], "search.learning_rate": rates}
    document = {"name": "rates", "dataset": "digits", "table": "digits", "grid": grid} | common
    (tmp_path / "grid.yaml").write_text(dump_yaml(document))
    settings = [f"{key}={value}" for key, value in common.items()]
    with pytest.raises(UserError, match="does not exist yet"):
        trajectories.grid_ablations(tmp_path, 1)
    for rate in rates:
        own = tmp_path / f"space-1_learning_rate-{rate:g}"
        run_study(own, *settings, f"search.learning_rate={rate}")
    (single,) = trajectories.grid_ablations(tmp_path, 1)
    assert [len(setting.seeds) for setting in single.settings] == [1, 1]
    for rate in rates:
        confirm_default(tmp_path / f"space-1_learning_rate-{rate:g}", 6)
    (found,) = trajectories.grid_ablations(tmp_path, 1)
    assert [setting.label for setting in found.settings] == [
        "learning_rate 0.25",
        "learning_rate 0.025",
    ]
    assert found.reference == 1
    assert [len(setting.seeds) for setting in found.settings] == [6, 6]
    assert len(found.settings[0].one_shot.x) == 3
    said = regularisation.sentence(1, found)
    assert "median (quartiles) of 6 seeds" in said
    assert "With this few seeds" not in said
    with pytest.raises(UserError, match="no study in space 2"):
        trajectories.grid_ablations(tmp_path, 2)


@pytest.mark.parametrize("analysis", ["quality", "bias", "pruning", "correlation"])
def test_one_image_gives_no_batch_norm_statistics(tmp_path, analysis):
    from typer.testing import CliRunner

    from oneshot_hpo.experiments.cli.app import app

    words = ["analyze", analysis, "--recalibrate", "1", "--dir", str(tmp_path / "analyses")]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 2
    assert "2 images at least, or 0 for none" in ended.output
    assert not list(tmp_path.iterdir())
