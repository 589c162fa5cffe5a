"""NATS-Bench's folder and NAS-Bench-201's .pth: the same numbers as the authors' API gives."""

import bz2
import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.damage import cut, flip
from support.nasbench201_writer import DATASETS, archive, write_nats

from oneshot_hpo.search_spaces import MissingCell, TableError, get_space, load_table
from oneshot_hpo.search_spaces.nasbench201.official_files import import_file, import_folder
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.table import Origin
from oneshot_hpo.search_spaces.table_file import write_table

SPACE = get_space("nasbench201")
COUNT = 5
CONTENT = archive(COUNT)
OTHER = archive(COUNT + 1)["meta_archs"][-1]


def quiet(done: int, size: int) -> None:
    """Nobody watches."""


def written(path: Path, form: str, content: dict[str, Any]) -> Path:
    """The content as one of the files that the authors gave out."""
    if form == "folder":
        return write_nats(path / "NATS-tss-v1_0-3ffb9-simple", content)
    if form == "bz2":
        file = path / "NATS-tss-v1_0-3ffb9.pickle.pbz2"
        file.write_bytes(bz2.compress(pickle.dumps(content, protocol=4)))
        return file
    file = path / "NAS-Bench-201-v1_1-096897.pth"
    torch.save(content, file, _use_new_zipfile_serialization=form == "zip")
    return file


def imported(path: Path) -> RecordedTable:
    return (import_folder if path.is_dir() else import_file)(path, quiet)


def of_form(form: str) -> dict[str, Any]:
    return archive(COUNT, ("less", "full")) if form in ("zip", "legacy") else CONTENT


def api_mean(archive_of: dict[str, Any], dataset: str, images: str, what: str) -> float:
    """`ArchResults.get_metrics(dataset, images)[what]`: the mean of all seeds' last epochs."""
    values = []
    for seed in archive_of["dataset_seed"][dataset]:
        result = archive_of["all_results"][dataset, seed]
        values.append(result[what][f"{images}@{result['epochs'] - 1}"])
    return float(np.mean(values))


def api_names(dataset: str, split: str) -> tuple[str, str]:
    """`remap_dataset_set_names` of the authors."""
    if dataset == "cifar10":
        return ("cifar10-valid", "x-valid") if split == "valid" else ("cifar10", "ori-test")
    name = "ImageNet16-120" if dataset == "imagenet16" else dataset
    return name, f"x-{split}"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["folder", "bz2", "zip", "legacy"])
def test_every_number_is_that_of_the_authors_api(tmp_path: Path, form: str) -> None:
    content = of_form(form)
    path = written(tmp_path, form, copy.deepcopy(content))
    write_table(imported(path), tmp_path / "table.npz")
    table = load_table(tmp_path / "table.npz")
    assert isinstance(table, RecordedTable) and len(table) == COUNT
    for schedules in content["arch2infos"].values():
        for budget, results in zip((12, 200), schedules.values(), strict=True):
            row = table.row_of(SPACE, SPACE.parse(results["arch_str"]))
            for dataset in DATASETS:
                opened = table.on(dataset)
                for split in ("valid", "test"):
                    trained, images = api_names(dataset, split)
                    accuracy = api_mean(results, trained, images, "eval_acc1es")
                    (error,) = opened.mean_errors(split, np.array([row]), budget)
                    assert error == pytest.approx(1 - accuracy / 100, abs=1e-11)
                    losses = opened.values(f"{split}_loss", row, budget)
                    loss = api_mean(results, trained, images, "eval_losses")
                    assert np.nanmean(losses) == pytest.approx(loss)
                    seeds = results["dataset_seed"][trained]
                    assert (~np.isnan(losses)).sum() == len(seeds)
                first = results["all_results"][api_names(dataset, "valid")[0], seeds_of(results)[0]]
                assert opened.seconds(row, budget)[0] == pytest.approx(
                    sum(first["train_times"].values())
                )


def seeds_of(results: dict[str, Any]) -> list[int]:
    return results["dataset_seed"]["cifar100"]


@pytest.mark.slow
def test_repeats_are_real_runs_and_keep_the_order_of_the_seeds(tmp_path: Path) -> None:
    table = imported(written(tmp_path, "folder", CONTENT))
    results = CONTENT["arch2infos"][0]["200"]
    row = table.row_of(SPACE, SPACE.parse(results["arch_str"]))
    opened = table.on("cifar100")
    errors = opened.values("test_error", row)
    for place, seed in enumerate(seeds_of(results)):
        accuracy = results["all_results"]["cifar100", seed]["eval_acc1es"]["x-test@199"]
        assert errors[place] == pytest.approx(1 - accuracy / 100, abs=1e-11)
    assert opened.record(row).origins["test_error"] == Origin.REAL


@pytest.mark.slow
def test_costs_that_differ_between_seeds_are_those_of_seed_888(tmp_path: Path) -> None:
    content = copy.deepcopy(CONTENT)
    results = content["arch2infos"][0]["200"]
    results["all_results"]["cifar100", 777]["params"] = np.float64(9.5)
    results["all_results"]["cifar100", 888]["params"] = np.float64(0.25)
    table = imported(written(tmp_path, "folder", content))
    row = table.row_of(SPACE, SPACE.parse(results["arch_str"]))
    assert table.on("cifar100").values("parameters", row).tolist() == [250_000]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_what_was_forgotten_of_many_architectures_is_not_needed(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_hpo.search_spaces.pickles._PIECES_REMEMBERED", 3)
    content = archive(12, ("less", "full"))
    assert len(imported(written(tmp_path, form, content))) == 12


@pytest.mark.slow
def test_weights_in_a_file_are_passed_over(tmp_path: Path) -> None:
    for form in ("zip", "legacy"):
        content = of_form(form)
        results = content["arch2infos"][0]["full"]["all_results"]
        for result in results.values():
            result["net_state_dict"] = {"stem": torch.zeros(3, 2)}
        (tmp_path / form).mkdir()
        assert len(imported(written(tmp_path / form, form, content))) == COUNT


def test_a_folder_of_some_architectures_is_a_part(tmp_path: Path) -> None:
    folder = written(tmp_path, "folder", CONTENT)
    (folder / "000001.pickle.pbz2").unlink()
    table = imported(folder)
    assert table.part == "a part, 4 of 15,625 architectures"
    with pytest.raises(MissingCell, match="lacks 15,621 of 15,625 architectures, the first "):
        table.entries(SPACE)
    left_out = SPACE.parse(CONTENT["meta_archs"][1])
    with pytest.raises(MissingCell, match="lacks the architecture "):
        table.row_of(SPACE, left_out)


def test_the_progress_reaches_the_size_of_the_files(tmp_path: Path) -> None:
    folder = written(tmp_path, "folder", CONTENT)
    told: list[tuple[int, int]] = []
    import_folder(folder, lambda done, size: told.append((done, size)))
    total = sum(path.stat().st_size for path in folder.glob("0*"))
    assert len(told) == COUNT and told[-1] == (total, total)


class Harmful:
    """Pickles as a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["folder", "bz2", "zip", "legacy"])
def test_nothing_in_a_file_is_called(tmp_path: Path, form: str) -> None:
    mark = tmp_path / "called"
    content = of_form(form)
    name = next(iter(content["arch2infos"][2]))
    content = copy.deepcopy(content)
    content["arch2infos"][2][name]["all_results"][
        "cifar10", 111 if name in ("12", "less") else 777
    ]["net_state_dict"] = Harmful(mark)
    path = written(tmp_path, form, content)
    with pytest.raises(
        TableError, match=r"damaged, or not a file.*it asks for (_?io|builtins)\.open"
    ):
        imported(path)
    assert not mark.exists()


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "damage"),
    [
        *((form, damage) for form in ("folder", "bz2", "zip", "legacy") for damage in (cut, empty)),
        *((form, flip) for form in ("folder", "bz2", "zip")),  # the older form has no checksum
    ],
)
def test_a_damaged_file_is_refused_on_one_line(
    tmp_path: Path, form: str, damage: Callable[[Path], None]
) -> None:
    path = written(tmp_path, form, of_form(form))
    file = path / "000003.pickle.pbz2" if path.is_dir() else path
    damage(file)
    with pytest.raises(TableError, match="damaged, or not a file of NAS-Bench-201") as refused:
        imported(path)
    assert str(refused.value).startswith(str(file)) and "\n" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda results: results.update(arch_str="8:8:8:8:8"), "not a cell of NAS-Bench-201"),
        (lambda results: results.update(arch_str=CONTENT["meta_archs"][0]), "is given twice"),
        (lambda results: results.update(arch_str=OTHER), "it is not of the cell"),
        (lambda results: results.pop("dataset_seed"), "has not the form"),
        (lambda results: results["all_results"].pop(("cifar100", 777)), "777.* is missing"),
        (lambda results: first(results).update(epochs=90), "trainings of"),
        (lambda results: first(results).update(epochs="200"), "epochs is not a number"),
        (lambda results: first(results).pop("flop"), "'flop' is missing"),
        (lambda results: first(results).update(params="many"), "'many' is not a number"),
        (lambda results: first(results)["eval_acc1es"].update({"x-valid@199": 101.0}), "accuracy"),
    ],
)
def test_a_file_of_something_else_is_refused_on_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    content = copy.deepcopy(CONTENT)
    change(content["arch2infos"][3]["200"])
    folder = written(tmp_path, "folder", content)
    with pytest.raises(TableError, match=problem) as refused:
        imported(folder)
    assert str(folder) in str(refused.value) and "\n" not in str(refused.value)


def first(results: dict[str, Any]) -> dict[str, Any]:
    return results["all_results"]["cifar10-valid", 777]


@pytest.mark.slow
def test_an_architecture_without_a_data_set_that_others_have_is_named(tmp_path: Path) -> None:
    content = copy.deepcopy(CONTENT)
    del content["arch2infos"][3]["200"]["dataset_seed"]["cifar100"]
    with pytest.raises(TableError, match="lacks its training for 200 epochs on cifar100"):
        imported(written(tmp_path, "folder", content))


@pytest.mark.slow
def test_a_data_set_that_none_has_at_a_budget_is_left_out(tmp_path: Path) -> None:
    """As in the first release, whose short trainings are of CIFAR-10 alone."""
    content = copy.deepcopy(CONTENT)
    for schedules in content["arch2infos"].values():
        for dataset in ("cifar10", "cifar100", "ImageNet16-120"):
            del schedules["12"]["dataset_seed"][dataset]
    table = imported(written(tmp_path, "folder", content))
    assert table.on("cifar100").budgets == (200,)
    assert table.on("cifar10").budgets == (12, 200)
    with pytest.raises(MissingCell, match="no test_error at 12 epochs"):
        table.on("cifar10").values("test_error", 0, 12)


def test_a_folder_without_files_or_names_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, "folder", CONTENT)
    for path in folder.glob("0*"):
        path.unlink()
    with pytest.raises(TableError, match=r"no files like 000000\.pickle\.pbz2"):
        imported(folder)
    (folder / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps({"meta_archs": [1, []]})))
    with pytest.raises(TableError, match="damaged, or not a file"):
        imported(folder)


PEAK = """
import re, sys
from pathlib import Path
from oneshot_hpo.search_spaces import pickles
from oneshot_hpo.search_spaces.nasbench201.official_files import import_file
pickles._PIECES_REMEMBERED = 2
import_file(Path(sys.argv[1]), lambda done, size: None)
print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_read(tmp_path: Path) -> None:
    sizes, peaks = [], []
    for count in (10, 80):
        (tmp_path / str(count)).mkdir()
        path = written(tmp_path / str(count), "legacy", archive(count, ("less", "full")))
        sizes.append(path.stat().st_size)
        output = subprocess.run(
            [sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True
        ).stdout
        peaks.append(int(output))
    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 8
