"""What a user reads about the results that a new study begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from oneshot_hpo.experiments.study.sources import Beginning, Source, reasons
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.experiments.wording import configuration
from oneshot_hpo.hpo import Observation

if TYPE_CHECKING:
    from rich.console import Console

ORDER_ONLY = (
    "by order only: in place of each loss is the share of its results at that budget that are "
    "better, kept apart from losses of this study, and used until these suffice for a model"
)


def say_beginning(console: Console, beginning: Beginning) -> None:
    """Print what is taken over from each source and what is not, and why."""
    start = 0
    for source in beginning.sources:
        observations = beginning.prior[start : start + source.taken]
        start += source.taken
        for line in _lines(source, observations):
            say(console, line)
    for note in beginning.notes:
        say(console, note)


def _lines(source: Source, observations: Sequence[Observation]) -> list[str]:
    lines = [f"{source.folder}: {taken_words(source)}{_counts(source, observations)}"]
    if source.order_only:
        lines.append(f"  {ORDER_ONLY}")
    lines += [f"  {words}" for words in change_words(source)]
    return lines


def taken_words(source: Source) -> str:
    """How many results were taken over and left out: "18 of 20 results taken over, …"."""
    words = f"{source.taken} of {source.results} results taken over"
    return words + (f", left out {reasons(source.left_out)}" if source.left_out else "")


def _counts(source: Source, observations: Sequence[Observation]) -> str:
    """Numbers by budget, which ranks do not have, and of crashes."""
    budgets = Counter(one.budget for one in observations)
    crashed = sum(one.loss is None for one in observations)
    words = []
    if not source.order_only:
        each = ", ".join(f"{count} at {budget:g}" for budget, count in sorted(budgets.items()))
        words.append(f"epochs: {each}")
    if crashed:
        words.append(f"{crashed} crashed")
    return f" ({'; '.join(words)})" if words else ""


def change_words(source: Source) -> list[str]:
    """What became of its configurations, and what else is different."""
    words = []
    if source.added:
        words.append(f"added, with its setting there: {configuration(source.added)}")
    if source.assumed:
        words.append(f"added, with the study's default: {configuration(source.assumed)}")
    if source.removed:
        words.append(f"removed: {', '.join(source.removed)}")
    if source.differs:
        words.append(f"different there: {'; '.join(source.differs)}")
    return words
