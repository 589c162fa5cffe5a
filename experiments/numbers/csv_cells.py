"""Escapes text in CSV files that spreadsheets would take for formulas."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"[+-]?[\d.]+([-+.eE]*\d+)*")
"""Matches a number, or numbers with hyphens between them, such as a trial's id."""


def cell(value: object) -> object:
    """A value for a CSV cell: text that a spreadsheet would compute gets a leading apostrophe.

    Numbers are unchanged, also those that are text already.
    """
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    return value if _NUMBERS.fullmatch(value) else f"'{value}"
