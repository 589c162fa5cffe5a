"""Scoring a space, stopped and resumed."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from oneshot_hpo.experiments.data.score_build import (
    _GROUP,
    ScorePlan,
    _header,
    _score_group,
    build_scores,
)
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.score_file import read_scores
from oneshot_hpo.searchers.network.scratch import ScratchSettings
from oneshot_hpo.searchers.zero_cost import SCORES, ScoreSettings

PLAN = ScorePlan(
    space=1,
    dataset="digits",
    network=ScratchSettings(channels=2, stacks=1),
    scores=ScoreSettings(images=4),
)
QUIET = Console(quiet=True)


@pytest.mark.slow
def test_a_stopped_run_does_the_rest(tmp_path: Path) -> None:
    """A run that was killed within a line, with two groups left."""
    space, out = get_space(1), tmp_path / "scores.npz"
    groups = list(range(0, space.num_cells, _GROUP))
    row = [1.0] * len(SCORES) + [0.25]
    lines = [json.dumps(_header(PLAN))]
    for first in groups[2:]:
        count = min(_GROUP, space.num_cells - first)
        lines.append(json.dumps({"first": first, "rows": [row] * count}))
    partial = tmp_path / "scores.npz.partial"
    partial.write_text("\n".join(lines) + '\n{"first": 20, "ro')

    build_scores(PLAN, out, workers=1, console=QUIET)
    found = read_scores(out)
    assert not partial.exists()
    assert len(set(found.keys)) == len(found.keys) == space.num_cells
    assert tuple(found.columns) == SCORES
    expected = np.array(_score_group(PLAN, 0) + _score_group(PLAN, _GROUP))
    for place, name in enumerate(SCORES):
        np.testing.assert_array_equal(found.columns[name][: 2 * _GROUP], expected[:, place])
        assert (found.columns[name][2 * _GROUP :] == 1).all()
    first = space.architecture(int(space.unique.first[5]))
    assert found.keys[5] == space.key(first)
    assert found.provenance["scores"] == {"images": 4, "seed": 0}
    with pytest.raises(UserError, match="exists already"):
        build_scores(PLAN, out, workers=1, console=QUIET)


@pytest.mark.parametrize("content", ['{"space": 2}\n', "no JSON\n"])
def test_the_file_of_another_run_is_refused_and_stays(tmp_path: Path, content: str) -> None:
    partial = tmp_path / "scores.npz.partial"
    partial.write_text(content)
    with pytest.raises(UserError, match=r"other settings|is damaged"):
        build_scores(PLAN, tmp_path / "scores.npz", workers=1, console=QUIET)
    assert partial.read_text() == content


def test_a_space_without_networks_is_refused(tmp_path: Path) -> None:
    plan = ScorePlan(space="transnas-micro", dataset="digits")
    with pytest.raises(Exception, match="cannot be trained from scratch here"):
        build_scores(plan, tmp_path / "scores.npz", workers=1, console=QUIET)
    assert not list(tmp_path.iterdir())
