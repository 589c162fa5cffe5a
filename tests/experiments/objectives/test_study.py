"""A whole study that trains what it finds, on two workers, in DARTS's space without a table."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from support.study_commands import run

from oneshot_hpo.experiments.check.checking import verify
from oneshot_hpo.experiments.study.opened import OpenedStudy

STUDY = """
space: darts
searcher: darts
config_space: cs1
dataset: few.npz
objective: {train: {epochs: 1, channels: 2, stacks: 2, batch_size: 64}}
min_budget: 1
max_budget: 2
iterations: 1
search: {channels: 2, stacks: 2, cells_per_stack: 1, batch_size: 64, cutout_length: 4}
cluster: {threads: 1}
"""


@pytest.mark.slow
def test_a_study_of_the_darts_space_runs_on_two_workers(tmp_path: Path) -> None:
    digits = load_digits()
    np.savez(tmp_path / "few.npz", images=digits.images[:100], labels=digits.target[:100])
    (tmp_path / "study.yaml").write_text(STUDY)
    folder = tmp_path / "study"
    ended = run("launch", tmp_path / "study.yaml", "--dir", folder, "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    study = OpenedStudy(folder)
    assert len(study.outcomes) == 4
    for outcome in study.outcomes:
        assert outcome.loss == outcome.valid
        assert outcome.regret is None and outcome.percentile is None
        assert outcome.objective_seconds and outcome.seconds
    assert not verify(folder).findings
