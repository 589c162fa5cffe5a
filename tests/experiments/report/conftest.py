"""A study with all that a page shows, and its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.page_study import DIGITS, confirm, make_study, tell_all
from support.plans import plan, write_baselines

from oneshot_hpo.experiments.report.reporting import write_report


@pytest.fixture(scope="session")
def baselines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two black-box optimizers on digits."""
    folder = tmp_path_factory.mktemp("baselines")
    planned = plan(methods="rs,re", repetitions=3, overrides=["re.population=4", "re.sample=2"])
    return write_baselines(folder, planned)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_study: Path) -> Path:
    """A finished study on digits, with crashes and a confirmation. Not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "study"
    with make_study(folder, tiny_study, *DIGITS) as study:
        tell_all(study, folder, "digits", crashes={3, 8})
        confirm(study, folder, "digits", seeds=7)
    return folder


@pytest.fixture(scope="session")
def page(made: Path, baselines: Path) -> Path:
    """Its page."""
    return write_report(made, [baselines])
