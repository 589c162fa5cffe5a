"""Exports a study for DeepCAVE's BOHB reader (BOHBRun.from_path).

These are HpBandSter's files, but a crash has a result: DeepCAVE takes a run without a state in its
result's info for a success without costs. HpBandSter itself cannot compare such a result.
"""

from __future__ import annotations

from pathlib import Path

from oneshot_hpo.experiments.exports.hpbandster import write_run
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import CRASHED


def write(study: OpenedStudy, folder: Path, configspace: str = "1") -> None:
    """Write configspace.json, in one of its FORMS, configs.json and results.json."""
    write_run(study, folder, configspace, crash={"loss": None, "info": CRASHED})
