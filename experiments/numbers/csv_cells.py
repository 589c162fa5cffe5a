"""Texts in CSV files, which spreadsheets may take for formulas."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"[+-]?[\d.]+([-+.eE]*\d+)*")
"""What is a number, or numbers with hyphens between them, such as a trial's id."""


def cell(value: object) -> object:
    """A value as it is written: a text that a spreadsheet would compute gets an apostrophe first.

    Numbers stay what they are, also those that are texts already.
    """
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    return value if _NUMBERS.fullmatch(value) else f"'{value}"
