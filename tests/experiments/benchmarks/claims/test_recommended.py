"""Recommended defaults: chosen in one place, tested in another, and written only if they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from support.made_study import confirm, run_study
from support.scripted_study import work

from oneshot_hpo.experiments.benchmarks.claims import recommended
from oneshot_hpo.experiments.benchmarks.claims.kept import Kept, kept_studies
from oneshot_hpo.experiments.benchmarks.claims.recommended import (
    HELD_OUT,
    Recommendation,
    gain,
    recommendations,
    table_lines,
    write_files,
)
from oneshot_hpo.experiments.exports.bundle.study_folder import write_study_folder
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Confirmation, TrialResult
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells, hash_array
from oneshot_hpo.search_spaces.table import Runs
from oneshot_hpo.search_spaces.table_file import write_table

DEFAULT = [0.010, 0.012, 0.011, 0.013, 0.009, 0.014, 0.015, 0.008]
"""Test regrets of the default, by seed."""


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory, tiny_study: Path) -> Path:
    """The tiny study with a table of all cells of spaces 1 and 2; errors follow the hash."""
    folder = tmp_path_factory.mktemp("two-spaces")
    cells = [*get_space(1).cells, *get_space(2).cells]
    digests, first = np.unique(hash_array(cells), axis=0, return_index=True)
    hits = 200 + digests[:, :3].astype(np.uint16)[:, None, :] // 2
    table = TrainedCells.of_cells(
        [cells[place] for place in first],
        parameters=np.ones(len(first)),
        budgets=(1,),
        images={"valid": 360, "test": 360},
        final=Runs(
            hits={"valid": hits, "test": hits[..., ::-1]}, seconds=np.ones(hits.shape, np.float32)
        ),
        provenance={"name": "synthetic", "made by": "a test"},
    )
    write_table(table, folder / "both.npz")
    text = tiny_study.read_text()
    line = next(line for line in text.splitlines() if line.startswith("table:"))
    (folder / "study.yaml").write_text(text.replace(line, f"table: {folder / 'both.npz'}"))
    return folder / "study.yaml"


def made(
    study_file: Path,
    folder: Path,
    space: int,
    factor: float,
    *,
    seed: int = 0,
    held_out: tuple[Mapping[str, object], float] | None = None,
) -> Kept:
    """A confirmed study whose tuned regrets are the default's times a factor.

    held_out: the values of a setting of that name, and its factor.
    """
    spec = load_study(str(study_file), (f"space={space}", f"seed={seed}"))
    spec = freeze(complete(spec, "made"))
    with create_study(folder, spec) as study:
        work(study, lambda trial: 0.05 if trial.id[0] < 0 else 0.04)
        assert study.incumbent is not None
        tuned, header = study.incumbent[0], study.header
    settings: dict[str, tuple[Mapping[str, object], float]] = {
        "default": ({"learning_rate": 0.025}, 1.0),
        tuned.key.split("/")[0]: (tuned.config, factor),
    }
    if held_out is not None:
        settings[HELD_OUT] = held_out
    with Confirmation.create(
        folder / "confirm", header=header, seed=seed, budget=spec.max_budget
    ) as confirmation:
        for name, (config, _) in settings.items():
            is_tuned = name not in ("default", HELD_OUT)
            confirmation.plan(name, config, len(DEFAULT), tuned=is_tuned)
        while (run := confirmation.ask()) is not None:
            regret = DEFAULT[run.number] * settings[run.setting][1]
            confirmation.tell(run, TrialResult(regret, {"test_regret": regret}))
    return Kept(folder.name, OpenedStudy(folder))


def by_test(found: Sequence[Recommendation]) -> dict[tuple[str, str], Recommendation]:
    return {(one.tested, one.of.name): one for one in found}


@pytest.mark.slow
def test_fresh_seeds_decide_in_the_own_space(study_file: Path, tmp_path: Path) -> None:
    good = made(study_file, tmp_path / "good", 1, 0.5)
    bad = made(study_file, tmp_path / "bad", 1, 1.5, seed=1)
    found = by_test(recommendations([good, bad]))
    assert set(found) == {("seeds", "good"), ("seeds", "bad")}  # no other space has a study
    own = found["seeds", "good"]
    assert (own.is_shown, own.verdict) == (True, "confirmed")
    assert found["seeds", "bad"].verdict == "contradicted"
    # 8 pairs that all point one way have p = 2 / 2**8, here twice as large for two of them.
    assert own.p_value == pytest.approx(2 * 2 / 2**8)
    assert gain(good) == pytest.approx(
        0.5 * np.median([a + b for a in DEFAULT for b in DEFAULT]) / 2, rel=0.1
    )

    lines = list(table_lines(list(found.values())))
    assert any(
        "| good | fresh seeds | 8 pairs | 2.00" in line and line.endswith("| yes |")
        for line in lines
    )
    assert any(line.endswith("| no, the default stays |") for line in lines)


@pytest.mark.slow
def test_another_space_is_the_test_of_a_choice(study_file: Path, tmp_path: Path) -> None:
    small = made(study_file, tmp_path / "small", 1, 0.9)
    large = made(study_file, tmp_path / "large", 1, 0.4, seed=1)
    other = made(study_file, tmp_path / "other", 2, 0.8, seed=2)
    found = by_test(recommendations([small, large, other]))
    chosen = found["space", "other"]
    assert chosen.chosen_in.name == "large"  # the larger gain in its own space
    assert chosen.verdict is None
    assert not chosen.is_shown
    assert found["space", "small"].chosen_in.name == "other"
    rate = chosen.values["learning_rate"]
    assert chosen.missing is not None
    assert chosen.missing.startswith(f"oneshot-hpo confirm RUNS/other --setting {HELD_OUT} ")
    assert f"--set search.learning_rate={rate}" in chosen.missing
    assert any("not tested yet" in line for line in table_lines([chosen]))

    # The test is made: once it holds, once it does not, once it is of other values.
    for name, values, factor, verdict in (
        ("holds", chosen.values, 0.6, "confirmed"),
        ("not", chosen.values, 1.4, "contradicted"),
        ("old", {**chosen.values, "learning_rate": 0.5}, 0.6, None),
    ):
        tested = made(study_file, tmp_path / name, 2, 0.8, seed=2, held_out=(values, factor))
        found = by_test(recommendations([small, large, tested]))
        assert found["space", name].verdict == verdict
        assert (found["space", name].missing is None) == (verdict is not None)


@pytest.mark.slow
def test_study_files_have_the_recommended_default(study_file: Path, tmp_path: Path) -> None:
    good = made(study_file, tmp_path / "good", 1, 0.5)
    other = made(study_file, tmp_path / "other", 2, 1.2, seed=2)
    found = recommendations([good, other])
    (tmp_path / "files").mkdir()
    [path] = write_files(found, tmp_path / "files")  # that of `good`; nothing else is shown
    assert path.name == "recommended-darts-space1-cs2.yaml"
    spec = complete(load_study(str(path)), str(path))
    [own] = [one for one in found if one.is_shown]
    assert {key: spec.default_settings[key] for key in own.values} == dict(own.values)
    default = spec.configuration_space().get_default_configuration()
    assert default["learning_rate"] == pytest.approx(own.values["learning_rate"])
    assert (spec.space, spec.searcher, spec.name) == (1, "darts", path.stem)
    text = path.read_text()
    assert "On seeds that it was not chosen on" in text
    assert "2.00 " in text


@pytest.mark.slow
def test_the_command_on_kept_studies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recommended.main(["--results", str(tmp_path)])
    assert "there is nothing to recommend" in capsys.readouterr().out

    settings = ("max_budget=4", "min_budget=1", "eta=2", "iterations=2", "seed=1")
    study = run_study(tmp_path / "study", *settings)
    confirm(study, 6)
    results = tmp_path / "results"
    results.mkdir()
    write_study_folder(study, results / "digits")
    recommended.main(["--results", str(results), "--write", str(tmp_path)])
    said = capsys.readouterr().out
    with kept_studies(results) as kept:
        found = recommendations(kept)
    assert "\n".join(table_lines(found)) in said
    written = list(tmp_path.glob("recommended-*.yaml"))
    assert [path.stem for path in written] == [one.name for one in found if one.is_shown]
    with pytest.raises(SystemExit):
        recommended.main(["--results", str(results), "--write", str(tmp_path / "none")])
