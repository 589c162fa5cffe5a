"""The GPU benchmark on a CPU, with real searches; and what it does with tasks that fail."""

import json
import math
import sys
import time
from pathlib import Path

import pytest
import torch

from oneshot_hpo.experiments.benchmarks.gpu import __main__ as command
from oneshot_hpo.experiments.benchmarks.gpu import lanes
from oneshot_hpo.experiments.benchmarks.gpu.checks import difference, tensors_of
from oneshot_hpo.experiments.benchmarks.gpu.masked import mask_paths
from oneshot_hpo.experiments.benchmarks.gpu.rows import Report, Row, failed
from oneshot_hpo.experiments.benchmarks.gpu.sizes import Sizes
from oneshot_hpo.experiments.benchmarks.gpu.steps import _channels_last, two_batches
from oneshot_hpo.searchers.registry import SEARCHERS

TINY = Sizes("cpu", tiny=True)


def benchmark(monkeypatch: pytest.MonkeyPatch, out: Path, *options: str) -> tuple[int, list[Row]]:
    words = ["gpu", "--device", "cpu", "--tiny", "--out", str(out), *options]
    monkeypatch.setattr(sys, "argv", words)
    code = command.main()
    return code, [Row(**row) for row in json.loads(out.read_text())["rows"]]


@pytest.mark.slow
def test_everything_runs_on_a_cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, rows = benchmark(monkeypatch, tmp_path / "gpu.json", "--minutes", "25")
    planned = {task for phase in command.phases(tiny=True) for task in phase.tasks}
    assert {row.task for row in rows} == planned
    assert [row for row in rows if row.passed is False and not row.task.endswith(":mps")] == []
    rates = [row.values["an hour"] for row in rows if row.task == "workers:paper:plain"]
    assert len(rates) == 2 and all(rate > 0 for rate in rates)  # one by one: no graphs here


@pytest.mark.slow
def test_a_task_may_be_chosen_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, rows = benchmark(
        monkeypatch, tmp_path / "gpu.json", "--only", "check:gdas:nasbench201", "--minutes", "25"
    )
    assert code == 0
    assert [row.passed for row in rows] == [True] * 5


def test_every_searcher_is_checked_in_both_spaces_and_timed() -> None:
    tasks = {task for phase in command.phases(tiny=False) for task in phase.tasks}
    for name in SEARCHERS:
        assert {f"check:{name}:{space}" for space in command.SPACES} < tasks
        assert f"steps:{name}" in tasks


def test_a_lost_child_costs_its_task_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A child that dies over its second task; the others are done."""
    program = tmp_path / "dying.py"
    program.write_text(
        "import json, os, sys\n"
        "for task in sys.argv[3:]:\n"
        "    print(json.dumps({'begin': task}), flush=True)\n"
        "    if task == 'bad':\n"
        "        print('CUDA error: gone', file=sys.stderr, flush=True)\n"
        "        os._exit(7)\n"
        "    row = {'task': task, 'name': 'done', 'passed': True}\n"
        "    print('a line of a library', flush=True)\n"
        "    print(json.dumps({'row': row}), flush=True)\n"
        "    print(json.dumps({'end': task}), flush=True)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(lanes, "_MODULE", "dying")
    rows: list[Row] = []
    lanes.Lanes("cpu", True, rows.append, time.monotonic() + 600).run(["a", "bad", "b"], 500)
    assert [(row.task, row.passed) for row in rows] == [("a", True), ("bad", False), ("b", True)]
    assert rows[1].error == "CUDA error: gone (exit code 7)"


def test_when_the_time_is_up_tasks_say_so() -> None:
    rows: list[Row] = []
    lanes.Lanes("cpu", True, rows.append, time.monotonic()).run(["a", "b"], 5)
    assert [row.error for row in rows] == ["not begun: the time was up"] * 2


def test_the_file_is_whole_after_each_row(tmp_path: Path) -> None:
    report = Report(tmp_path / "gpu.json", {"tiny": True})
    for number in range(3):
        report.add(Row("task", f"row {number}", None, {"ms": 1.5}))
        assert len(json.loads((tmp_path / "gpu.json").read_text())["rows"]) == number + 1


def test_a_failure_is_a_row_with_its_last_line() -> None:
    row = failed("task", "name", ValueError("first\n\nlast\n"))
    assert (row.passed, row.error) == (False, "ValueError: last")
    advice = RuntimeError("CUDA error: an illegal memory access\nCompile with TORCH_USE_CUDA_DSA")
    assert (
        failed("task", "name", advice).error == "RuntimeError: CUDA error: an illegal memory access"
    )


def test_the_difference_is_relative_and_sees_what_is_missing_or_not_finite() -> None:
    one = {"a": torch.tensor([1.0, 100.0]), "b": torch.zeros(2)}
    assert difference(one, one) == 0
    assert difference({**one, "a": torch.tensor([2.0, 100.0])}, one) == pytest.approx(0.01)
    assert difference({"a": one["a"]}, one) == math.inf
    assert difference({**one, "b": torch.tensor([0.0, math.nan])}, one) == math.inf
    assert tensors_of({"x": [one]}).keys() == {"/x/0/a", "/x/0/b"}


def test_weights_keep_their_values_with_channels_last() -> None:
    for shape in ((4, 3, 3, 2), (5, 4, 3, 3, 2)):
        weight = torch.rand(shape)
        stored = _channels_last(weight)
        assert torch.equal(stored, weight)
        assert stored.stride(-3) == 1
    assert stored[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.slow
def test_masked_paths_make_the_steps_of_drawn_cells() -> None:
    """One cell as a mask over all candidates: losses, and the weights that it trains."""
    found = []
    for masked in (False, True):
        search = TINY.full_search("random_ws")
        train, valid = two_batches(search, TINY)
        draw = mask_paths(search) if masked else lambda: None
        search._generators["searcher"].manual_seed(3)
        losses = []
        for _ in range(3):
            draw()
            losses.append(search.step(train, valid)[0])
        found.append(torch.stack(losses))
    assert torch.allclose(found[0], found[1], rtol=1e-4)
