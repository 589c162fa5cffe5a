"""The finished quickstart, its searches simulated, and new studies that begin with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.made_once import made_once
from support.made_study import run_study

from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.document import shipped_studies
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import load_study

NewStudy = Callable[..., StudySpec]


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """43 results, of which some crashed. Not to be changed."""
    made = lambda folder: run_study(folder / "quickstart")  # noqa: E731
    return made_once(tmp_path_factory, "warm_start", made) / "quickstart"


@pytest.fixture
def new_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the quickstart's file with another configuration space, given as YAML."""

    def write(config_space: str) -> Path:
        text = shipped_studies()["quickstart"].read_text()
        assert text.count("config_space: cs2") == 1
        path = tmp_path / "new.yaml"
        path.write_text(text.replace("config_space: cs2", f"config_space: {config_space}"))
        return path

    return write


@pytest.fixture
def new_study(new_file: Callable[[str], Path]) -> NewStudy:
    """The frozen quickstart with another space and other settings, KEY=VALUE."""

    def make(config_space: str, *settings: str) -> StudySpec:
        file = str(new_file(config_space))
        return freeze(complete(load_study(file, settings), file))

    return make
