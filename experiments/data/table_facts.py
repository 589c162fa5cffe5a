"""What a table says: of all its architectures (`table show`), or of one (`table query`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.foreign import label_of
from oneshot_hpo.search_spaces import MissingCell, Table, TrainedCells
from oneshot_hpo.search_spaces.recorded_table import RecordedTable
from oneshot_hpo.search_spaces.registry import spaces_of
from oneshot_hpo.search_spaces.table import ERROR, SCORE, Origin, Record

_SPLITS = ("valid", "test")


def table_facts(name: str, table: Table, budget: int | None) -> dict[str, Any]:
    """A table as numbers and texts that JSON can hold.

    Best, median and noise are of means over the repeats of the metric that ranks architectures on
    each split; accuracies and other shares are in [0, 1]. Noise is the standard deviation between
    trainings of one architecture, pooled over the best tenth; None where there is one training.
    Raises MissingCell for a budget that the table lacks.
    """
    budget = table.budgets[table.column(budget)]
    facts: dict[str, Any] = {
        "table": name,
        "name": table.name,
        "dataset": table.dataset,
        "datasets": list(table.datasets),
        "architectures": len(table),
        "part": table.part,
        "budgets": list(table.budgets),
        "budget": budget,
        "metrics": {name: asdict(metric) for name, metric in table.metrics.items()},
        "test_split": table.test_split,
    }

    rows = np.arange(len(table))
    splits = _SPLITS if table.test_split == "test" else ("valid",)
    facts["ranked_by"] = {split: _word(table, split) for split in splits}
    for split in splits:
        facts |= _split_facts(table, split, rows, budget)

    return facts | {
        "imputed_share": _origins(table, table.main_metric("test"), rows, budget).get("imputed", 0),
        "origins": {
            metric: _origins(table, metric, rows, budget)
            for metric in table.record(0, budget).values
        },
        "notes": list(table.provenance.get("notes", [])),
    }


def table_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """The facts for people."""
    of_all = f" (of {', '.join(facts['datasets'])})" if len(facts["datasets"]) > 1 else ""
    on = f" on {facts['dataset']}{of_all}" if facts["dataset"] else ""
    yield f"{facts['name']}{on}: {facts['architectures']:,} architectures"
    if facts["part"]:
        yield f"  {facts['part']}"
    budgets = ", ".join(map(str, facts["budgets"]))
    yield f"  epochs of training: {budgets}; below, of {facts['budget']}"
    for split, word in facts["ranked_by"].items():
        noise = facts[f"noise_{split}"]
        spread = "no repeats" if noise is None else f"noise between seeds {_short(noise)}"
        best, median = facts[f"best_{word}"], facts[f"median_{word}"]
        yield f"  {word.replace('_', ' ')}: best {_short(best)}, median {_short(median)}; {spread}"
        yield f"    the best: {facts[f'best_{split}_architecture']}"
    if facts["test_split"] != "test":
        yield "  no test values: validation stands in for them"
    for metric, origins in facts["origins"].items():
        yield f"  {metric}: {', '.join(_share(word, share) for word, share in origins.items())}"
    for note in facts["notes"]:
        yield f"  {note}"


def architecture_facts(name: str, table: Table, text: str) -> dict[str, Any]:
    """All that a table says of one architecture, at each budget.

    text: as its space writes it; of NAS-Bench-101 also its hash. Raises UserError, MissingCell.
    """
    row = _row(name, table, text)
    by_budget = {}
    for budget in table.budgets:
        record = table.record(row, budget)
        by_budget[str(budget)] = {metric: _values(record, metric) for metric in record.values} | {
            "percentile": _percentile(table, row, budget)
        }
    return {
        "table": name,
        "name": table.name,
        "dataset": table.dataset,
        "architecture": _text(table, row),
        "key": table.key(row),
        "metrics": {name: asdict(metric) for name, metric in table.metrics.items()},
        "budgets": by_budget,
    }


def architecture_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """The facts for people."""
    on = f" on {facts['dataset']}" if facts["dataset"] else ""
    yield f"{facts['architecture']} in {facts['name']}{on}"
    for budget, values in facts["budgets"].items():
        yield f"  {budget} epochs"
        for metric, said in values.items():
            if metric == "percentile":
                if said is not None:
                    yield f"    better than {said:.2f} % of the architectures"
                continue
            unit = facts["metrics"][metric]["unit"]
            runs = list(map(_short, said["values"]))
            several = f" (of {', '.join(runs)})" if len(runs) > 1 else ""
            words = "" if said["origin"] == "real" else f", {said['origin']}"
            yield f"    {metric} {_short(said['mean'])}{f' {unit}' if unit else ''}{several}{words}"


def _split_facts(table: Table, split: str, rows: np.ndarray, budget: int) -> dict[str, Any]:
    word, means = _word(table, split), table.mean_errors(split, rows, budget)
    best = int(np.nanargmin(means))
    return {
        f"best_{word}": _as_shown(table, split, float(means[best])),
        f"best_{split}_architecture": _text(table, best),
        f"median_{word}": _as_shown(table, split, float(np.nanmedian(means))),
        f"noise_{split}": table.noise(split, rows, budget),
    }


def _word(table: Table, split: str) -> str:
    """What the values that rank architectures are called: errors are shown as accuracies."""
    name = table.main_metric(split)
    is_error = table.metrics[name].kind == ERROR
    return f"{name.removesuffix('error')}accuracy" if is_error else name


def _as_shown(table: Table, split: str, value: float) -> float:
    """A mean error, or what stands for it, as people compare it."""
    metric = table.metrics[table.main_metric(split)]
    if metric.kind in (ERROR, SCORE):
        return round(1 - value, 12)
    return -value if metric.higher_is_better else value


def _origins(table: Table, metric: str, rows: np.ndarray, budget: int) -> dict[str, float]:
    """The share of rows whose values are of each origin, by its name."""
    codes, counts = np.unique(table.origin(metric, rows, budget), return_counts=True)
    return {
        Origin(int(code)).name.lower(): float(count / len(rows))
        for code, count in zip(codes, counts, strict=True)
    }


def _row(name: str, table: Table, text: str) -> int:
    """The row of an architecture that a space of the table's family wrote, or with this key."""
    problem = ""
    for space in spaces_of(table.family):
        try:
            architecture = space.parse(text)
        except ValueError as error:
            problem = problem or str(error)
        else:
            return table.row_of(space, architecture)
    if isinstance(table, TrainedCells):
        return table.row(text)
    if not problem:  # its space is in a file or module that the table does not name
        rows = [row for row in range(len(table)) if table.key(row) == text]
        if rows:
            return rows[0]
        problem = f"no architecture has the key {text[:80]!r}"
    raise UserError(f"{label_of(name)}: {problem}")


def _text(table: Table, row: int) -> str:
    if isinstance(table, RecordedTable):
        return table.space.text(table.architecture(row))
    return table.key(row)


def _values(record: Record, metric: str) -> dict[str, Any]:
    values = record.values[metric]
    present = values[~np.isnan(values)]
    return {
        "values": present.tolist(),
        "mean": float(present.mean()) if len(present) else None,
        "origin": record.origins[metric].name.lower(),
    }


def _percentile(table: Table, row: int, budget: int) -> float | None:
    """The share of the table's architectures with a higher mean test error, in percent.

    None: nothing was measured of test images at this budget.
    """
    try:
        errors = table.mean_errors("test", np.arange(len(table)), budget)
    except MissingCell:
        return None
    return float((errors > errors[row]).mean() * 100)


def _share(word: str, share: float) -> str:
    return word if share == 1 else f"{100 * share:.1f} % {word}"


def _short(value: float | None) -> str:
    if value is None:
        return "absent"
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e12 else f"{value:.5g}"
