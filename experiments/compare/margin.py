"""The margin of an equivalence: a difference that does not matter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from oneshot_hpo.experiments.compare.sources import Study
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.baselines_file import Baselines
from oneshot_hpo.experiments.numbers.sample import REGRET, Sample
from oneshot_hpo.experiments.objectives.section import LOSS
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.table import TableError

NOISE: Literal["noise"] = "noise"
"""The margin that is the table's noise."""


@dataclass(frozen=True)
class Margin:
    """The margin of a search space."""

    value: float | None
    """In the unit of the samples' values; None: there is none."""
    notes: tuple[str, ...] = ()
    """Where it comes from."""


def read_margin(text: str | None) -> float | Literal["noise"] | None:
    """The margin on the command line. UserError: it is neither a number above 0 nor "noise"."""
    if text is None or text == NOISE:
        return NOISE if text else None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    check_margin(value, f"--margin {text}")
    return value


def check_margin(margin: object, what: str | None = None) -> None:
    """UserError unless it is None, "noise", or a number above 0."""
    if margin is None or margin == NOISE:
        return
    number = isinstance(margin, int | float) and not isinstance(margin, bool)
    if not (number and 0 < margin < math.inf):  # type: ignore[operator]
        raise UserError(f"{what or f'margin {margin!r}'}: a number of points above 0, or {NOISE}")


def margin_of(
    samples: Sequence[Sample], margin: float | Literal["noise"] | None, table: str | None
) -> Margin:
    """The margin of the samples of a search space; table: their table's path or name.

    UserError: it is the noise of a table, and there is none.
    """
    if margin is None or not samples:
        return Margin(None)
    first = samples[0]
    if margin != NOISE:
        assert not isinstance(margin, str)
        return Margin(margin if first.measure == LOSS else margin / 100)
    noise = None
    if table is not None and first.measure == REGRET and first.space is not None:
        content = load_table(table)
        noise = content.noise(content.test_split, content.entries(get_space(first.space)))
    if not noise:
        raise UserError("--margin noise: no table here says how noisy a training is; give points")
    words = f"the margin of {100 * noise:.2f} points is the deviation of the test error between"
    return Margin(noise, (f"{words} trainings of one good cell in {first.table}",))


def table_of(studies: Sequence[Study], baselines: Sequence[Baselines]) -> str | None:
    """The one table of all sources; None: they have none."""
    if studies:
        return studies[0].spec.table
    return known_table(baselines[0]) if baselines else None


def known_table(file: Baselines) -> str:
    """The table of a file compared without a study. UserError: it is not a built-in one."""
    for source in ("digits", "nasbench101"):
        try:
            if load_table(source).name == file.table:
                return source
        except TableError:
            continue
    raise UserError(
        f"{file.path} uses the table {file.table}; name a study with that table as well"
    )
