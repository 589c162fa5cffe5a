"""The contract of tables of trained architectures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from oneshot_hpo.contracts.named import named
from oneshot_hpo.contracts.once import once
from oneshot_hpo.search_spaces import (
    Choice,
    EnumerableSpace,
    MissingCell,
    SpaceId,
    Table,
    TableError,
    enumerable,
    get_space,
    load_table,
)
from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.table import ERROR, SCORE, SINGLE_PRECISION, Origin, mean_of

_SAMPLES = 30


class TableContract:
    """Shapes, gaps, origins, directions, budgets, entries and data sets of a table.

    table: its name in a study file.
    spaces: names of the spaces that it covers.
    """

    table: ClassVar[str]
    spaces: ClassVar[Sequence[SpaceId]]

    @classmethod
    def load(cls) -> Table:
        """The table under test; overridden for one that has no name."""
        return load_table(named(cls.table))

    @classmethod
    def load_spaces(cls) -> list[EnumerableSpace]:
        """The spaces that the table covers; overridden for those that have no name."""
        return [enumerable(get_space(named(space))) for space in cls.spaces]

    @pytest.fixture
    def opened(self) -> Table:
        """The table, loaded once."""
        return once(type(self).load)

    @pytest.fixture
    def covered(self) -> list[EnumerableSpace]:
        """Its spaces."""
        return once(type(self).load_spaces)

    @pytest.fixture
    def rows(self, opened: Table) -> np.ndarray:
        """Some rows, the first and the last among them."""
        drawn = np.random.default_rng(0).choice(len(opened), min(_SAMPLES, len(opened)), False)
        return np.unique([0, *drawn, len(opened) - 1])

    def test_it_says_what_it_is(self, opened: Table) -> None:
        assert opened.name and len(opened.name.splitlines()) == 1
        assert opened.family
        assert len(opened) > 0
        assert list(opened.budgets) == sorted(set(opened.budgets))
        assert all(type(budget) is int and budget > 0 for budget in opened.budgets)
        assert opened.dataset is None or opened.dataset in opened.datasets

    def test_metrics_that_rank_are_there(self, opened: Table) -> None:
        assert opened.main_metric("valid") in opened.metrics
        assert opened.main_metric(opened.test_split) in opened.metrics

    def test_values_are_repeats_of_each_row(self, opened: Table, rows: np.ndarray) -> None:
        """(N, R) of rows and (R,) of one; numbers, or NaN for a gap; shares between 0 and 1."""
        for metric, budget in _recorded(opened):
            values = opened.values(metric, rows, budget)
            assert values.ndim == 2 and len(values) == len(rows)
            assert values.dtype.kind == "f"
            assert not np.isinf(values).any(), f"{metric}: a gap is NaN"
            one = opened.values(metric, int(rows[-1]), budget)
            assert np.array_equal(one, values[-1], equal_nan=True)
            if opened.metrics[metric].kind in (ERROR, SCORE):
                assert np.nanmin(values, initial=0) >= 0 and np.nanmax(values, initial=1) <= 1

    def test_no_budget_is_the_largest(self, opened: Table, rows: np.ndarray) -> None:
        metric = opened.main_metric("valid")
        largest = opened.values(metric, rows, opened.budgets[-1])
        assert np.array_equal(opened.values(metric, rows), largest, equal_nan=True)

    def test_what_it_lacks_is_refused_on_one_line(self, opened: Table, rows: np.ndarray) -> None:
        metric = opened.main_metric("valid")
        with pytest.raises(MissingCell, match=rf"^[^\n]*{max(opened.budgets) + 1}[^\n]*$"):
            opened.values(metric, rows, max(opened.budgets) + 1)
        with pytest.raises(MissingCell, match=r"^[^\n]*nonsense[^\n]*$"):
            opened.values("nonsense", rows)

    def test_origins_say_where_each_value_is_from(self, opened: Table, rows: np.ndarray) -> None:
        known = {int(origin) for origin in Origin}
        for metric, budget in _recorded(opened):
            origins = opened.origin(metric, rows, budget)
            assert origins.shape == rows.shape and origins.dtype == np.uint8
            assert set(origins.tolist()) <= known
            assert int(opened.origin(metric, int(rows[0]), budget)) == origins[0]

    def test_lower_errors_are_better_values(self, opened: Table, rows: np.ndarray) -> None:
        """Also of a metric of which more is better."""
        for split in ("valid", "test"):
            metric = opened.metrics[opened.main_metric(split)]
            means = mean_of(opened.values(opened.main_metric(split), rows))
            errors = opened.mean_errors(split, rows)
            recorded = ~np.isnan(means)
            assert recorded.any() and np.isfinite(errors[recorded]).all()
            order = np.argsort(errors[recorded])
            ranked = means[recorded][order]
            falls = np.diff(-ranked if metric.higher_is_better else ranked)
            assert (falls >= -SINGLE_PRECISION).all()

    def test_costs_are_not_negative(self, opened: Table, rows: np.ndarray) -> None:
        if "seconds" in opened.metrics:
            for budget in opened.budgets:
                assert not (opened.seconds(rows, budget) < 0).any()
        parameters = opened.parameters_of(rows)
        assert parameters is None or (parameters.shape == rows.shape and (parameters >= 0).all())

    def test_every_configuration_has_an_entry(
        self, opened: Table, covered: list[EnumerableSpace]
    ) -> None:
        """Every entry has a row, and the row has the key of the entry's architecture."""
        assert covered
        for space in covered:
            entries, entry_of = opened.entries(space), opened.entry_of(space)
            assert len(np.unique(entries)) == len(entries) == opened.coverage(space)
            assert entries.min() >= 0 and entries.max() < len(opened)
            assert len(entry_of) == space.num_configurations
            assert np.array_equal(np.unique(entry_of), np.arange(len(entries)))

            rng = np.random.default_rng(1)
            for _ in range(_SAMPLES):
                architecture = space.sample(rng)
                row = opened.row_of(space, architecture)
                assert row == entries[opened.entry(space, architecture)]
                assert opened.key(row) == space.key(architecture)

    def test_the_best_is_the_best_of_all(
        self, opened: Table, covered: list[EnumerableSpace]
    ) -> None:
        for space in covered:
            for budget in opened.budgets:
                best = opened.best(space, budget)
                errors = opened.mean_errors("test", opened.entries(space), budget)
                assert best.test_error == np.nanmin(errors)
                first = opened.first_configurations(space)[int(np.nanargmin(errors))]
                found = opened.percentile(space, space.architecture(int(first)), budget)
                assert 0 <= found < 100

    def test_a_space_of_another_family_is_refused(self, opened: Table) -> None:
        other = _Other()
        assert opened.coverage(other) == 0
        for question in (opened.entries, opened.entry_of, opened.best):
            with pytest.raises(MissingCell, match=r"^[^\n]*another space[^\n]*$"):
                question(other)

    def test_it_is_opened_for_each_of_its_data_sets(self, opened: Table, rows: np.ndarray) -> None:
        for dataset in opened.datasets:
            on = opened.on(dataset)
            assert on.dataset == dataset and len(on) == len(opened)
            assert len(on.values(on.main_metric("valid"), rows)) == len(rows)
        with pytest.raises(TableError, match=r"^[^\n]*nonsense[^\n]*$"):
            opened.on("nonsense")

    def test_it_says_the_same_each_time(self, opened: Table, rows: np.ndarray) -> None:
        again = self.load()
        assert (again.name, len(again), again.budgets) == (opened.name, len(opened), opened.budgets)
        for metric, budget in _recorded(opened):
            values = again.values(metric, rows, budget)
            assert np.array_equal(values, opened.values(metric, rows, budget), equal_nan=True)


class _Other(EnumerableSpace):
    """A space that no table knows."""

    name = family = "a-space-that-no-table-knows"
    title = "another space"
    operations = ("one", "other")
    choices = (Choice("operation", operations),)

    def key(self, architecture: Architecture) -> str:
        """The picks."""
        return str(architecture.picks)


def _recorded(table: Table) -> list[tuple[str, int]]:
    """The metrics with the budgets at which the table has them; at one at least."""
    found: list[tuple[str, int]] = []
    for metric in table.metrics:
        before = len(found)
        for budget in table.budgets:
            try:
                table.values(metric, 0, budget)
            except MissingCell:
                continue
            found.append((metric, budget))
        assert len(found) > before, f"{metric} is recorded at no budget"
    return found
