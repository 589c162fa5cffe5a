"""What an analysis is given: settings of searches, a table with its space, lists with commas."""

from __future__ import annotations

from collections.abc import Sequence

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.study.document import parse_overrides
from oneshot_hpo.experiments.study.pairing import Pair, pair_of, transfer_words
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.search_spaces import (
    EnumerableSpace,
    SpaceId,
    Table,
    enumerable,
    get_space,
    load_table,
)
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SearchSettings

_SMALL = "quickstart"  # the study whose sizes are meant for the digits
_SIZES = ("channels", "stacks", "cells_per_stack", "batch_size", "cutout_length")


def search_settings(searcher: str, dataset: str, overrides: Sequence[str]) -> SearchSettings:
    """The searcher's defaults, for digits with the sizes of the shipped study `quickstart`.

    overrides: search.SETTING=VALUE. UserError or another of this project's errors: bad input.
    """
    values = parse_overrides(overrides)
    own = values.get("search", {})
    foreign = [key for key in values if key != "search"]
    if foreign or not isinstance(own, dict):
        key = foreign[0] if foreign else "search"
        raise UserError(f"--set {key}: only search.SETTING=VALUE has a meaning here")

    small = load_study(_SMALL).search if dataset == "digits" else {}
    sizes = {name: small[name] for name in _SIZES if name in small}
    settings = settings_class(searcher)().with_config(sizes | own)
    settings.check_image_size(load_dataset(dataset).image_size)
    return settings


def table_and_space(name: str, space: SpaceId) -> tuple[Table, EnumerableSpace]:
    """A table and a space of which it has every entry. UnknownSpace or MissingCell: otherwise."""
    table, found = load_table(name), enumerable(get_space(space))
    table.best(found)
    return table, found


def pair_notes(dataset: str, table: str) -> list[str]:
    """A note if the table is of another data set than the searches, which holds for all results."""
    is_transfer = pair_of(dataset, table) is Pair.TRANSFER
    return [transfer_words(dataset, table)] if is_transfer else []


def words(text: str, what: str) -> list[str]:
    """The parts of a list with commas. UserError: it is empty, or repeats one."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts) or len(set(parts)) < len(parts):
        raise UserError(f"{what} must be different words with commas between them, not {text!r}")
    return parts


def numbers(text: str, what: str) -> list[int]:
    """Whole numbers from 1, ascending, in a list with commas. UserError: they are not."""
    parts = words(text, what)
    if not all(map(_is_count, parts)):
        raise UserError(
            f"{what} must be whole numbers from 1 to {bounds.EPOCHS:,} with commas, not {text!r}"
        )
    return sorted(map(int, parts))


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) < 10 and 0 < int(text) <= bounds.EPOCHS
