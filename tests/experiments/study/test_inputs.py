"""Studies whose data set and table were moved: content counts, not the path."""

import dataclasses
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from support.study_commands import events, run

from oneshot_hpo.experiments.analyze.supernet import Supernet
from oneshot_hpo.experiments.atlas.found import cells_of
from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.check.checking import verify
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.groups import group_studies
from oneshot_hpo.experiments.numbers.sources import read_figure_sources
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.environment import check_environment
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.inputs import given_inputs
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Study, TrialResult
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.table_file import write_table
from oneshot_hpo.searchers.registry import settings_class

STUDY = """
space: 1
searcher: darts
config_space: none
dataset: data/images.npz
table: data/table.npz
min_budget: 1
max_budget: 1
iterations: 0
seed: {seed}
search: {{channels: 2, stacks: 1, cells_per_stack: 1, batch_size: 64, cutout_length: 2}}
cluster: {{threads: 1}}
"""


def write_images(path: Path, seed: int = 0) -> Path:
    images = np.random.default_rng(seed).random((60, 6, 6))
    np.savez(path, images=images, labels=np.arange(60) % 2)
    return path


def project(home: Path, table_file: str, *, ended: bool = False, seed: int = 0) -> Path:
    """A folder with data, and a study of one evaluation; that is pending, or has ended."""
    (home / "data").mkdir(parents=True)
    write_images(home / "data" / "images.npz")
    shutil.copy(table_file, home / "data" / "table.npz")
    (home / "study.yaml").write_text(STUDY.format(seed=seed))
    spec = freeze(complete(load_study(str(home / "study.yaml"), ["workers=1"]), "study"))
    with create_study(home / "studies" / "one", spec) as study:
        trial = study.ask()
        assert trial is not None
        if ended:
            space = get_space(1)
            found = space.sample(np.random.default_rng(0))
            info = table_outcome(spec.table, space, found).to_info()
            study.tell(trial, TrialResult(info["valid_error"], info | {"one_shot_error": 0.5}))
    return home / "studies" / "one"


def moved(home: Path) -> Path:
    """The study of a project, all of which was moved."""
    target = home.with_name("elsewhere") / "deep"
    target.parent.mkdir()
    shutil.move(home, target)
    return target / "studies" / "one"


@pytest.mark.slow
def test_a_study_resumes_where_it_was_moved_with_its_data(tmp_path: Path, table_file: str) -> None:
    project(tmp_path / "home", table_file)
    folder = moved(tmp_path / "home")
    resumed = run("resume", folder)
    assert resumed.returncode == 0, resumed.stderr
    there = folder.parents[1] / "data" / "images.npz"
    assert f"is missing; the same content is at {there}" in resumed.stdout
    assert events(folder)[-1]["event"] == "tell"
    checked = run("check", folder)
    assert checked.returncode == 0, checked.stdout
    confirmed = run("confirm", folder, "--seeds", 1)
    assert confirmed.returncode == 0, confirmed.stderr


def test_who_reads_a_moved_study_finds_its_table(tmp_path: Path, table_file: str) -> None:
    project(tmp_path / "home", table_file, ended=True)
    folder = moved(tmp_path / "home")
    report = verify(folder)
    assert report.findings == []
    assert "1 results compared with the table" in report.checked
    source = OpenedStudy(folder)
    assert source.cells.table.name == load_table(table_file).name
    known = SpaceMap(get_space(1), load_table(table_file))
    assert cells_of(source, known, table_file).searches == 1  # a copy of the table
    with pytest.raises(UserError, match="not of digits"):
        cells_of(source, known, "digits")


@pytest.mark.slow
def test_a_place_that_is_given_has_to_hold_the_same_and_is_kept(
    tmp_path: Path, table_file: str
) -> None:
    folder = project(tmp_path / "home", table_file, ended=True)
    data = tmp_path / "home" / "data"
    other = write_images(tmp_path / "other.npz", seed=1)
    place = tmp_path / "far" / "renamed.npz"
    place.parent.mkdir()
    shutil.move(data / "images.npz", place)
    before = (folder / "journal.jsonl").read_bytes()

    missing = run("resume", folder)
    assert missing.returncode == 2
    assert f"oneshot-hpo resume {folder} --set dataset=PATH" in missing.stderr
    changed = run("resume", folder, "--set", f"dataset={other}")
    assert changed.returncode == 2
    assert f"data set {other}, SHA-256" in changed.stderr
    assert (folder / "journal.jsonl").read_bytes() == before

    console = Console(file=io.StringIO())
    given, rest = given_inputs([f"dataset={place}", "cluster.threads=2"])
    assert rest == ["cluster.threads=2"]
    noted = check_environment(console, OpenedStudy(folder), accept=False, given=given)
    assert noted is not None
    with Study.open(folder) as study:
        study.note(*noted)
    assert check_environment(console, OpenedStudy(folder), accept=False) is None  # noted once
    assert OpenedStudy(folder).located.dataset == str(place)
    assert verify(folder).findings == []


def test_another_file_of_the_name_is_not_taken(tmp_path: Path, table_file: str) -> None:
    folder = project(tmp_path / "home", table_file)
    (tmp_path / "home" / "data" / "images.npz").unlink()
    write_images(folder / "images.npz", seed=1)
    with pytest.raises(UserError, match=r"images\.npz is missing"):
        check_environment(Console(file=io.StringIO()), OpenedStudy(folder), accept=False)
    [finding] = verify(folder).findings
    assert "--set dataset=PATH" in finding.words
    same = write_images(folder.parent / "images.npz")
    assert OpenedStudy(folder).located.dataset == str(same)


def test_analyses_distinguish_supernets_by_their_images(tmp_path: Path) -> None:
    one, two = (write_images(tmp_path / f"{name}.npz") for name in ("one", "two"))
    other = write_images(tmp_path / "other.npz", seed=1)
    net = Supernet(
        searcher="darts",
        settings=settings_class("darts")(),
        space=1,
        dataset=str(one),
        epochs=1,
        seed=0,
    )
    assert dataclasses.replace(net, dataset=str(two)).name == net.name
    assert dataclasses.replace(net, dataset=str(other)).name != net.name


def test_studies_of_the_same_images_at_two_paths_are_repetitions(
    tmp_path: Path, table_file: str
) -> None:
    folders = [
        project(tmp_path / name, table_file, ended=True, seed=seed)
        for seed, name in enumerate(("one", "two"))
    ]
    sources = read_figure_sources([str(folder) for folder in folders])
    [group] = group_studies(sources, 1)
    assert len(group.studies) == 2


def test_another_table_of_the_name_is_another_table(tmp_path: Path, table_file: str) -> None:
    table = load_table(table_file)
    provenance = dict(table.provenance) | {"made by": "another build"}
    write_table(dataclasses.replace(table, provenance=provenance), tmp_path / "other.npz")
    one = project(tmp_path / "one", table_file, ended=True)
    two = project(tmp_path / "two", str(tmp_path / "other.npz"), ended=True)
    with pytest.raises(UserError, match="synthetic with other content"):
        read_figure_sources([str(one), str(two)])
