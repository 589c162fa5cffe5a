"""Each test has a data folder of its own."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, not there yet."""
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"
