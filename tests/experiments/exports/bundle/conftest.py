"""Studies on the digits with simulated searches, as a bundle holds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.made_study import confirm, run_study

SETTINGS = ("max_budget=4", "min_budget=1", "eta=2", "iterations=2", "cluster.threads=1")


@pytest.fixture(scope="session")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, confirmed with six seeds of which one crashes. Not to be changed."""
    folder = run_study(tmp_path_factory.mktemp("studies") / "one", *SETTINGS, "seed=1")
    confirm(folder, 6, crashing=[4])
    return folder


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one, which tuned more and is confirmed with fewer seeds."""
    settings = (*SETTINGS, "config_space=cs3", "seed=3")
    folder = run_study(tmp_path_factory.mktemp("studies") / "two", *settings)
    confirm(folder, 3)
    return folder


@pytest.fixture
def ruled(tmp_path: Path) -> Path:
    """A study whose confirmation was ended by a rule, after two looks."""
    folder = run_study(tmp_path / "ruled", *SETTINGS, "seed=1")
    confirm(folder, 8, crashing=[4], looks=(8, 12))
    return folder
