"""Score the untrained networks of a space's unique cells; a stopped run resumes.

Finished groups of cells are appended to <out>.partial, JSON lines whose first says what is scored,
and how.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from oneshot_hpo.cluster.tasks import run_all
from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.experiments.terminal.work_bar import WorkBar
from oneshot_hpo.search_spaces import EnumerableSpace, SpaceId, enumerable, get_space
from oneshot_hpo.search_spaces.score_file import Scores, write_scores
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.network.scratch import ScratchSettings, check_trainable
from oneshot_hpo.searchers.zero_cost import SCORES, Scorer, ScoreSettings

_GROUP = 20  # cells that a process scores before it reports
_PACKAGES = ("torch", "numpy", "oneshot-hpo")  # those that decide what is computed


@dataclass(frozen=True, kw_only=True)
class ScorePlan:
    """What is scored, and how. dataset is only the place of the images."""

    space: SpaceId
    dataset: str
    network: ScratchSettings = field(default_factory=ScratchSettings)
    scores: ScoreSettings = field(default_factory=ScoreSettings)
    device: str = "cpu"


def build_scores(plan: ScorePlan, out: Path, *, workers: int, console: Console) -> Scores:
    """Score every unique cell of the plan's space that `out`.partial does not hold; write `out`.

    Raises UserError; KeyboardInterrupt leaves what is finished in `out`.partial.
    """
    if out.exists():
        raise UserError(f"{out} exists already; remove it or choose another --out")
    if not os.access(out.parent, os.W_OK):
        raise UserError(f"{out.parent} is not a writable folder; choose another --out")
    space = enumerable(get_space(plan.space))
    check_trainable(space)
    header = _header(plan)

    partial = out.with_name(out.name + ".partial")
    done = _read_partial(partial, header)
    groups = range(0, space.num_cells, _GROUP)
    tasks = {str(first): (_score_group, plan, first) for first in groups if first not in done}
    with (
        TemporaryDirectory(prefix="oneshot-hpo-") as scratch,
        partial.open("ab", buffering=0) as journal,
        WorkBar(console, "cells", space.num_cells, _count(done)) as bar,
        closing(
            run_all(
                tasks,
                workers=workers,
                gpus=machine.gpus() if plan.device == "cuda" else (),
                scratch=Path(scratch),
            )
        ) as results,
    ):
        for key, rows in results:
            journal.write((json.dumps({"first": int(key), "rows": rows}) + "\n").encode())
            os.fsync(journal.fileno())
            done[int(key)] = rows
            bar.advance(len(rows))

    scores = _assembled(space, header, done)
    write_scores(scores, out)
    partial.unlink()
    total = scores.seconds.sum()
    say(console, f"{out}: {len(SCORES)} scores of {len(scores.keys):,} cells, {total:,.0f} s")
    return scores


def _header(plan: ScorePlan) -> dict[str, Any]:
    """What decides the scores, for the first line and for the file."""
    described = {name: value for name, value in asdict(plan).items() if name != "dataset"}
    return {
        **described,
        "family": get_space(plan.space).family,
        "images": load_dataset(plan.dataset).scratch_checksum,
        "versions": machine.versions(_PACKAGES),
    }


@lru_cache(maxsize=1)
def _scorer(plan: ScorePlan) -> Scorer:
    data = load_dataset(plan.dataset)
    return Scorer(get_space(plan.space), data, plan.network, plan.scores, plan.device)


def _score_group(plan: ScorePlan, first: int) -> list[list[float]]:
    """Scores of the group that begins with this cell, and the seconds of each: a process's task."""
    space, scorer = enumerable(get_space(plan.space)), _scorer(plan)
    rows = []
    for configuration in space.unique.first[first : first + _GROUP].tolist():
        architecture = space.architecture(configuration)
        started = time.perf_counter()
        found = scorer.scores(architecture)
        seconds = time.perf_counter() - started
        rows.append([*(found[name] for name in SCORES), round(seconds, 4)])
    return rows


def _read_partial(partial: Path, header: dict[str, Any]) -> dict[int, list[list[float]]]:
    """Finished groups by their first cell; starts the file when there is none.

    An incomplete last line, left by a kill, is cut off. Raises UserError for another run's file.
    """
    line = f"{json.dumps(header)}\n".encode()
    content = partial.read_bytes() if partial.exists() else b""
    if line.startswith(content):
        partial.write_bytes(line)
        return {}

    whole = content[: content.rfind(b"\n") + 1]
    try:
        first, *records = [json.loads(one) for one in whole.splitlines()]
        done = {int(record["first"]): record["rows"] for record in records}
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{partial} is damaged; remove it to start again") from None
    if first != json.loads(line):
        raise UserError(
            f"{partial} belongs to a run with other settings, images or package versions; remove "
            "it or choose another --out"
        )
    os.truncate(partial, len(whole))
    return done


def _assembled(
    space: EnumerableSpace, header: dict[str, Any], done: dict[int, list[list[float]]]
) -> Scores:
    rows = np.array([row for first in sorted(done) for row in done[first]], float)
    keys = (space.key(space.architecture(first)) for first in space.unique.first.tolist())
    columns = {name: rows[:, place] for place, name in enumerate(SCORES)}
    return Scores(tuple(keys), columns, rows[:, -1], header)


def _count(done: dict[int, list[list[float]]]) -> int:
    return sum(map(len, done.values()))
