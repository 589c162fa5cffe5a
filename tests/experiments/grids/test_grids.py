"""Grids of studies: read, costed, launched, resumed."""

import io
from pathlib import Path

import pytest
from ConfigSpace import ConfigurationSpace
from rich.console import Console
from support.scripted_study import work
from support.study_commands import called, events, run

from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.grids.costs import hours, measured_paces
from oneshot_hpo.experiments.grids.display import print_costs
from oneshot_hpo.experiments.grids.grid import Grid, load_grid
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.document import shipped_studies
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.experiments.study.yaml_files import dump_yaml

GRIDS = sorted(set(shipped_studies()) - {"quickstart", "quickstart-201", "cifar10-small"})


def loaded(source: object, *overrides: str) -> Grid:
    grid = load_grid(str(source), overrides)
    assert grid is not None
    return grid


@pytest.fixture
def small_grid(tiny_study: Path, tmp_path: Path) -> Path:
    """Two studies of one search each."""
    path = tmp_path / "small.yaml"
    untuned = "workers: 1\ngrid:\n  search.learning_rate: [0.25, 0.025]\n"
    base = tiny_study.read_text().replace("cs2", "none").replace("iterations: 2", "iterations: 0")
    path.write_text(base + untuned)
    return path


@pytest.mark.parametrize("name", GRIDS)
def test_shipped_grids_are_sound(name: str) -> None:
    grid = loaded(name)
    assert grid.name == name
    assert {member.spec.space for member in grid.members} == {1, 2, 3}
    for member in grid.members:
        member.spec.optimizer_settings  # noqa: B018 - checks itself
        assert (member.spec.iterations > 0) == (name == "paper")


def test_some_of_a_grid_can_be_chosen() -> None:
    grid = loaded("paper")
    assert len(grid.chosen(["space=1"])) == 27
    assert len(grid.chosen(["space=1", "searcher=gdas", "seed=1"])) == 3
    (one,) = grid.chosen(["seed-2_cs3-paper_gdas_space-1"])
    assert (one.spec.seed, one.spec.config_space, one.spec.name) == (2, "cs3-paper", one.name)
    for word in ("space=4", "none", "x=1"):
        with pytest.raises(UserError, match="KEY=VALUE"):
            grid.chosen([word])
    assert len(loaded("paper", "grid.space=[2]").members) == 27


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("grid.space=3", "must be a list of values"),
        ("grid.space=[]", "must be a list of values"),
        ("grid.space=[1, 1]", "the same value twice"),
        ("grid.spaec=[1]", "did you mean space?"),
        ("grid.searcher=[drats]", "there are darts"),
        ("seed=1", "seed is varied by the grid"),
        ("grid=3", "must be a section"),
        ("confirm=0", "a whole number from 1"),
        ("grid.workers.x=[1]", "unknown key"),
        ("config=1", "unknown key 'config'"),
    ],
)
def test_a_grid_that_cannot_be_is_one_line(override: str, message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        load_grid("paper", [override])
    assert message in str(caught.value) or "grid key" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_single_study_is_no_grid(tiny_study: Path) -> None:
    assert load_grid(str(tiny_study)) is None
    with pytest.raises(StudyFileError, match="oneshot-hpo launch paper runs it"):
        load_study("paper")


def test_a_grid_is_printed_as_a_file_to_edit(tmp_path: Path) -> None:
    printed = called("show", "paper", "--set", "grid.space=[2]", "--set", "eta=3")
    assert printed.returncode == 0, printed.stderr
    (tmp_path / "own.yaml").write_text(printed.stdout)
    assert loaded(tmp_path / "own.yaml") == loaded("paper", "grid.space=[2]", "eta=3")
    wrong = called("show", "paper", "--set", "grid.space=2")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "must be a list of values" in wrong.stderr


@pytest.mark.slow
def test_costs_say_their_basis(small_grid: Path, tmp_path: Path) -> None:
    def said(grid: Grid, folder: Path, epoch_seconds: float | None = None) -> str:
        console = Console(file=io.StringIO(), width=200)
        print_costs(console, grid, folder, [], epoch_seconds)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    paper = loaded("paper")
    costs = said(paper, tmp_path, 1.0)
    assert "about 385 GPU hours: at 1 s an epoch, as given" in costs
    assert "1,385,100" in costs
    assert "GPU hours, in nine of ten simulations" in costs
    assert "at an assumed 2 TFLOP/s" in said(loaded(small_grid), tmp_path)


def test_costs_go_by_what_has_been_run(
    small_grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = loaded(small_grid)
    assert measured_paces(grid, tmp_path) == {}
    first, second = grid.members
    with create_study(tmp_path / first.name, freeze(complete(first.spec, "x"))) as study:
        work(study, lambda trial: 0.1, 1)  # 10 seconds an epoch
    assert measured_paces(grid, tmp_path) == {first.name: 10, second.name: 10}
    assert hours(grid.members, 3, measured_paces(grid, tmp_path)) == pytest.approx(
        2 * (1 + 3) * 2 * 10 / 3600
    )


@pytest.mark.slow
def test_a_dry_run_makes_nothing_and_needs_no_data(tmp_path: Path) -> None:
    only = ["--only", "space=1", "--only", "seed=1", "--only", "config_space=cs1"]
    arguments = ["launch", "paper", "--dry-run", "--dir", tmp_path / "p", "--epoch-seconds", 36]
    ended = run(*arguments, *only)
    assert ended.returncode == 0, ended.stderr
    assert "seed-1_cs1_pc_darts_space-1" in ended.stdout
    assert "51,300" in ended.stdout
    assert "about 513 GPU hours" in ended.stdout
    assert not (tmp_path / "p").exists()


@pytest.mark.slow
def test_a_grid_runs_one_after_the_other_and_resumes(small_grid: Path, tmp_path: Path) -> None:
    folder = tmp_path / "grid"
    arguments = ["launch", small_grid, "--dir", folder]
    names = [member.name for member in loaded(small_grid).members]
    ended = run(*arguments, "--only", names[1])
    assert ended.returncode == 0, ended.stderr
    assert "what it costs" in ended.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["grid.yaml", names[1]]
    before = events(folder / names[1])
    # The file in the folder is the grid, whatever was overridden.
    again = run("launch", folder / "grid.yaml", "--dir", folder)
    assert again.returncode == 0, again.stderr
    assert names[1] not in again.stdout
    assert events(folder / names[1]) == before
    rates = [events(folder / n)[0]["study"]["specification"]["search"] for n in names]
    assert [rate["learning_rate"] for rate in rates] == [0.25, 0.025]
    other = called("launch", "paper", "--dir", folder)
    assert other.returncode == 2
    assert "holds another grid, which oneshot-hpo launch" in " ".join(other.stderr.split())


@pytest.mark.slow
def test_a_study_that_another_process_works_on_is_left_to_it(
    small_grid: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "grid"
    first, _ = loaded(small_grid).members
    folder.mkdir()
    (folder / "grid.yaml").write_text(dump_yaml(dict(loaded(small_grid).document)))
    with create_study(folder / first.name, freeze(complete(first.spec, "x"))) as study:
        assert study.ask() is not None
        ended = run("launch", small_grid, "--dir", folder, "--only", first.name)
    assert ended.returncode == 0, ended.stderr
    assert f"left to other processes: {first.name}" in " ".join(ended.stdout.split())


def test_configuration_spaces_are_varied_by_file_or_by_key(
    tiny_study: Path, tmp_path: Path
) -> None:
    """Files beside the grid's, which name its members; or keys within one section."""
    for name, upper in (("narrow", 0.1), ("wide", 1.0)):
        space = ConfigurationSpace({"learning_rate": (0.001, upper)})
        space.to_json(tmp_path / f"{name}.json")
    base = tiny_study.read_text().replace("config_space: cs2\n", "")
    path = tmp_path / "grid.yaml"
    path.write_text(base + "grid: {config_space: [narrow.json, wide.json, cs1]}\n")
    grid = loaded(path)
    assert [member.name for member in grid.members] == ["narrow.json", "wide.json", "cs1"]
    (wide,) = grid.chosen(["config_space=wide.json"])
    space = complete(wide.spec, "wide").configuration_space()
    assert space["learning_rate"].upper == 1.0

    section = "config_space: {learning_rate: {lower: 0.001}}\n"
    path.write_text(base + section + "grid: {config_space.learning_rate.upper: [0.1, 1]}\n")
    grid = loaded(path)
    assert [member.name for member in grid.members] == ["upper-0.1", "upper-1"]
    specs = [complete(member.spec, member.name) for member in grid.members]
    assert [one.configuration_space()["learning_rate"].upper for one in specs] == [0.1, 1.0]

    path.write_text(base + "grid: {config_space: [{base: cs1}, cs2]}\n")
    with pytest.raises(StudyFileError, match="a value of grid key 'config_space' must be a word"):
        load_grid(str(path))
