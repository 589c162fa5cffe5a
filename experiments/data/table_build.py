"""Build a table of trained cells: unique cells of a space, all or some, several budgets and seeds.

The work is cut into batches: some cells of one graph, one seed, one budget. Finished batches are
appended to <out>.partial, a file of JSON lines whose first line is the plan with a checksum of the
images; a build that was stopped reads it and does the rest. The table appears under its name when
it is whole.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, astuple, dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from oneshot_hpo.cluster.tasks import run_all
from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.data.table_summary import image_warnings, table_lines
from oneshot_hpo.experiments.errors import ExperimentError
from oneshot_hpo.experiments.terminal.hints import command, say
from oneshot_hpo.experiments.terminal.work_bar import WorkBar
from oneshot_hpo.search_spaces import (
    Architecture,
    SpaceId,
    Table,
    enumerable,
    get_space,
    title_of,
)
from oneshot_hpo.search_spaces.table import DATASET_CHECKSUM, Runs
from oneshot_hpo.search_spaces.table_file import table_of, write_table
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.scratch import ScratchSettings, parameter_count, shared_shape
from oneshot_hpo.searchers.scratch import train_from_scratch

_GROUP = 27  # cells trained side by side; 81 at once leave a CPU's cache and are slower

_PACKAGES = ("torch", "numpy", "oneshot-hpo")  # those that decide what is trained


class TableBuildError(ExperimentError, ValueError):
    """A build that cannot start or continue; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """The contents of a table; two plans are equal exactly when their tables should be.

    budgets: epochs, each trained on its own with its own cosine schedule. repeats: seeds 0, 1, …
    cells: how many of the space's unique cells, the first of an order drawn by cells_seed; None for
    all. device: "cpu" or "cuda". dataset is only the place of the images: their checksum
    identifies them.
    """

    space: SpaceId = 1
    dataset: str = "digits"
    budgets: tuple[int, ...] = (1, 2, 4)
    repeats: int = 3
    settings: ScratchSettings = field(default_factory=ScratchSettings)
    device: str = "cpu"
    cells: int | None = None
    cells_seed: int = 0

    def __post_init__(self) -> None:
        if not self.budgets or min(self.budgets) < 1 or self.repeats < 1:
            raise TableBuildError("budgets (epochs) and repeats must be 1 or more")
        if sorted(set(self.budgets)) != list(self.budgets):
            raise TableBuildError(f"budgets must ascend, unlike {list(self.budgets)}")
        if self.device not in ("cpu", "cuda"):
            raise TableBuildError(f"the device is cpu or cuda, not {self.device!r}")
        most = enumerable(get_space(self.space)).num_cells
        if self.cells is not None and not 1 <= self.cells <= most:
            raise TableBuildError(
                f"{title_of(self.space)} has {most:,} cells: --cells is 1 to {most}, not "
                f"{self.cells}"
            )

    @property
    def part(self) -> dict[str, int] | None:
        """Which cells a table of some cells holds; None for all cells."""
        most = enumerable(get_space(self.space)).num_cells
        if self.cells is None or self.cells == most:
            return None
        return {"cells": self.cells, "of": most, "seed": self.cells_seed}

    def command(self, out: Path) -> str:
        """The command that builds this table."""
        options: list[tuple[str, object]] = [("space", self.space), ("dataset", self.dataset)]
        options += [("budget", budget) for budget in self.budgets]
        options += [("repeats", self.repeats), *asdict(self.settings).items()]
        if self.part is not None:
            options += [("cells", self.cells), ("cells_seed", self.cells_seed)]
        options += [("device", self.device), ("out", Path(out.name))]
        words = [(f"--{name.replace('_', '-')}", value) for name, value in options]
        return command("table", "build", *itertools.chain.from_iterable(words))


@dataclass(frozen=True)
class _Batch:
    """One unit of work: a group of cells (by its place), one seed, one budget."""

    group: int
    repeat: int
    budget: int


def build_table(plan: BuildPlan, out: Path, *, workers: int, console: Console) -> Table:
    """Train every cell of the plan that `out`.partial does not hold yet, then write the table.

    workers: processes, one thread each on a CPU. Raises TableBuildError; KeyboardInterrupt leaves
    what is finished in `out`.partial.
    """
    if out.exists():
        raise TableBuildError(f"{out} exists already; remove it or choose another --out")
    if not os.access(out.parent, os.W_OK):
        raise TableBuildError(f"{out.parent} is not a writable folder; choose another --out")
    if plan.device == "cuda" and not machine.gpus():
        raise TableBuildError("there is no GPU here; use --device cpu")
    data = load_dataset(plan.dataset)
    if data.image_size < 2**plan.settings.stacks:
        # a single image of 1 x 1 pixels has no batch statistics
        raise TableBuildError(
            f"{plan.settings.stacks} stacks make less than 2 x 2 pixels of {data.image_size} x "
            f"{data.image_size}; use fewer --stacks"
        )

    for warning in image_warnings(data):
        say(console, warning)

    groups = _groups(plan)
    partial = out.with_name(out.name + ".partial")
    done = _read_partial(partial, plan, data.scratch_checksum)
    todo = [batch for batch in _batches(plan, len(groups)) if batch not in done]
    total = sum(plan.budgets) * plan.repeats * sum(map(len, groups))
    left = sum(batch.budget * len(groups[batch.group]) for batch in todo)

    with (
        partial.open("ab", buffering=0) as journal,
        WorkBar(console, "training epochs", total, total - left) as bar,
        closing(_train(plan, todo, data.scratch_checksum, workers)) as results,
    ):
        for batch, result in results:
            record = asdict(batch) | result
            journal.write((json.dumps(record) + "\n").encode())
            os.fsync(journal.fileno())
            done[batch] = record
            bar.advance(batch.budget * len(groups[batch.group]))

    table = _assemble(plan, out, data, groups, done)
    write_table(table, out)
    partial.unlink()
    for line in table_lines(out, table, data):
        say(console, line)
    return table


def _groups(plan: BuildPlan) -> list[list[Architecture]]:
    """The unique cells of a plan, those of one shape together, in groups of at most _GROUP."""
    space = enumerable(get_space(plan.space))
    order = np.random.default_rng(plan.cells_seed).permutation(space.num_cells)
    by_shape: dict[Any, list[Architecture]] = defaultdict(list)
    for place in sorted(order[: plan.cells].tolist()):
        cell = space.architecture(int(space.unique.first[place]))
        by_shape[shared_shape(space, cell)].append(cell)
    return [
        cells[start : start + _GROUP]
        for _, cells in sorted(by_shape.items())
        for start in range(0, len(cells), _GROUP)
    ]


def _batches(plan: BuildPlan, groups: int) -> list[_Batch]:
    """All units of work, the longest first so that the processes end together."""
    return [
        _Batch(group, repeat, budget)
        for budget in reversed(plan.budgets)
        for group in range(groups)
        for repeat in range(plan.repeats)
    ]


def _train(
    plan: BuildPlan, todo: list[_Batch], checksum: str, workers: int
) -> Generator[tuple[_Batch, dict[str, Any]]]:
    """Run the batches on a pool of processes and yield each with its result as it ends."""
    by_key = {"-".join(map(str, astuple(batch))): batch for batch in todo}
    tasks = {key: (_train_batch, plan, checksum, batch) for key, batch in by_key.items()}
    gpus = machine.gpus() if plan.device == "cuda" else ()
    with TemporaryDirectory(prefix="oneshot-hpo-") as scratch:
        for key, result in run_all(tasks, workers=workers, gpus=gpus, scratch=Path(scratch)):
            yield by_key[key], result


@lru_cache(maxsize=1)
def _inputs(plan: BuildPlan, checksum: str) -> tuple[list[list[Architecture]], ImageSplits]:
    data = load_dataset(plan.dataset)
    if data.scratch_checksum != checksum:  # a process may begin long after the build
        raise TableBuildError(
            f"{plan.dataset} was changed during the build: put the original images back"
        )
    return _groups(plan), data


def _train_batch(plan: BuildPlan, checksum: str, batch: _Batch) -> dict[str, Any]:
    """Train one batch, time it, return plain lists; the task of a process."""
    groups, data = _inputs(plan, checksum)
    cells = groups[batch.group]
    # other work on the machine does not count: processor time, where the processor does the work
    clock = time.process_time if plan.device == "cpu" else time.perf_counter
    started = clock()
    result = train_from_scratch(
        get_space(plan.space),
        cells,
        data,
        plan.settings,
        epochs=batch.budget,
        seed=batch.repeat,
        device=plan.device,
    )
    return {
        "valid_hits": result.valid_hits.tolist(),
        "test_hits": result.test_hits.tolist(),
        "seconds": round((clock() - started) / len(cells), 4),
    }


def _read_partial(partial: Path, plan: BuildPlan, checksum: str) -> dict[_Batch, dict[str, Any]]:
    """Finished batches with their records; starts the file when there is none.

    checksum: of the images. An incomplete last line, left by a kill, is cut off. Raises
    TableBuildError for another plan's file or a damaged line.
    """
    settings = {key: value for key, value in asdict(plan).items() if key != "dataset"}
    header = json.dumps(
        {"plan": settings, "images": checksum, "versions": machine.versions(_PACKAGES)}
    )
    content = partial.read_bytes() if partial.exists() else b""
    if header.encode().startswith(content):  # nothing yet, or a header without its end
        with partial.open("wb") as file:
            file.write(f"{header}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        return {}

    whole = content[: content.rfind(b"\n") + 1]
    try:
        first, *records = [json.loads(line) for line in whole.splitlines()]
        done = {_Batch(r["group"], r["repeat"], r["budget"]): r for r in records}
    except (ValueError, KeyError, TypeError):
        raise TableBuildError(f"{partial} is damaged; remove it to start again") from None
    if first != json.loads(header):
        raise TableBuildError(
            f"{partial} belongs to a build with other settings, images or package versions; remove "
            "it or choose another --out"
        )
    os.truncate(partial, len(whole))
    return done


def _assemble(
    plan: BuildPlan,
    out: Path,
    data: ImageSplits,
    groups: list[list[Architecture]],
    done: dict[_Batch, dict[str, Any]],
) -> Table:
    """Assemble the batches into a table."""
    cells = [cell for group in groups for cell in group]
    shape = (len(cells), len(plan.budgets), plan.repeats)
    valid_hits, test_hits = np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)
    seconds = np.zeros(shape)
    ends = np.cumsum([len(group) for group in groups])
    for batch, record in done.items():
        rows = slice(ends[batch.group] - len(groups[batch.group]), ends[batch.group])
        place = (rows, plan.budgets.index(batch.budget), batch.repeat)
        valid_hits[place], test_hits[place] = record["valid_hits"], record["test_hits"]
        seconds[place] = record["seconds"]

    space = enumerable(get_space(plan.space))
    counts = [parameter_count(space, c, data.channels, data.classes, plan.settings) for c in cells]
    return table_of(
        space,
        cells,
        parameters=counts,
        budgets=plan.budgets,
        images={"valid": len(data.valid), "test": len(data.test)},
        final=Runs(
            hits={"valid": valid_hits, "test": test_hits}, seconds=seconds.astype(np.float32)
        ),
        provenance={
            "name": data.name,
            "dataset": data.name,
            DATASET_CHECKSUM: data.scratch_checksum,
            **({"part": plan.part} if plan.part is not None else {}),
            "space": plan.space,
            "settings": asdict(plan.settings),
            "seeds": list(range(plan.repeats)),
            "train_images": len(data.scratch_train),
            "versions": machine.versions(_PACKAGES),
            "device": plan.device,
            "machine": platform.machine(),
            "command": plan.command(out),
            "date": time.strftime("%Y-%m-%d"),
            "training_hours": round(float(seconds.sum()) / 3600, 2),
        },
    )
