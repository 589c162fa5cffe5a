"""Studies that earlier versions launched keep the settings that they began with.

`journals/NAME-VERSION.jsonl` are their journals.
"""

import dataclasses
import shutil
from pathlib import Path

import pytest

from oneshot_hpo.experiments.check.files import check_specification
from oneshot_hpo.experiments.check.findings import Report
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.searchers.registry import settings_class

OLD = Path(__file__).parent / "journals"


@pytest.fixture
def study(tmp_path: Path) -> OpenedStudy:
    """ProxylessNAS, tuned in CS3, before it had a warm-up."""
    shutil.copy(OLD / "proxylessnas-0.2.jsonl", tmp_path / "journal.jsonl")
    return OpenedStudy(tmp_path)


def test_settings_that_it_lacks_have_their_old_values(study: OpenedStudy) -> None:
    lacks = study.view.header["specification"]["search"]
    settings = study.spec.search_settings
    assert "warmup_share" not in lacks
    assert settings.warmup_share == 0 != settings_class("proxylessnas")().warmup_share
    assert settings.arch_weight_decay == 1e-3
    assert study.spec.search == dataclasses.asdict(settings)


def test_it_is_tuned_in_the_space_that_it_began_in(study: OpenedStudy) -> None:
    """Today's has no weight decay of the architecture."""
    assert study.spec.configuration_space() == study.view.space
    assert "arch_weight_decay" in study.view.space


def test_its_written_specification_agrees_with_its_journal(study: OpenedStudy) -> None:
    written = dump_yaml(study.view.header["specification"])
    (study.folder / "study.yaml").write_text(written, encoding="utf-8")
    report = Report()
    check_specification(report, study.folder, study.spec)
    assert not report.findings
