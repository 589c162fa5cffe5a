"""Fixtures of the comparisons' tests."""

from pathlib import Path
from typing import Any

import pytest
from support.confirmed_study import Confirmed, confirm_scripted


@pytest.fixture
def confirmed(tiny_study: Path, tmp_path: Path) -> Confirmed:
    """Makes a study with a confirmation: (name, tuned regrets, default regrets, overrides)."""

    def make(name: str, *values: Any, **words: Any) -> str:
        return confirm_scripted(tiny_study, tmp_path / name, *values, **words)

    return make
