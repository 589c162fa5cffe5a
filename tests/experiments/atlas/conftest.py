"""A study whose searches are made up, and the atlas of its space."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import chromium
from made_study import confirm, make_study, tell_all
from playwright.sync_api import Browser

from experiments.atlas.making import write_atlas


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory, tiny_study: Path) -> Path:
    """Finished, with two crashes and a confirmation. Not to be changed."""
    folder = tmp_path_factory.mktemp("studies") / "made <b>"
    overrides = ("table=digits", "max_budget=4", "iterations=4")
    with make_study(folder, tiny_study, *overrides) as made:
        tell_all(made, folder, "digits", crashes={2, 5})
        confirm(made, folder, "digits", seeds=3)
    return folder


@pytest.fixture(scope="session")
def named() -> str:
    """How the hash of a cell of space 1 begins, a good one with better neighbours."""
    return "f5d9849d"


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, study: Path, named: str) -> Path:
    """The page of the study's space, with a named cell."""
    out = tmp_path_factory.mktemp("atlas") / "atlas.html"
    return write_atlas(space=None, table=None, folders=[study], cells=[named], out=out)
