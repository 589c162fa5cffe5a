from pathlib import Path

import numpy as np
import pytest
from support.toy_study import decisions, drive, mixed_space, toy_settings

from oneshot_hpo.hpo import InvalidSettings, Study, configuration_space


def stock_study(folder: Path) -> Study:
    return Study.create(
        folder,
        header={},
        space=configuration_space("cs1"),
        settings=toy_settings(generator="hpbandster", iterations=5),
    )


@pytest.mark.slow
def test_stock_generator_replays_and_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    np.random.seed(1)  # noqa: NPY002 - the stock generator draws from it
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr] # noqa: NPY002
    with stock_study(tmp_path / "a") as study:
        drive(study)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # type: ignore[arg-type] # noqa: NPY002
    whole = decisions(tmp_path / "a")
    assert any(e["event"] == "ask" and e["info"]["model_based_pick"] for e in whole)

    np.random.seed(2)  # noqa: NPY002
    stock_study(tmp_path / "b").close()
    lines = (tmp_path / "a" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for kept in (10, 25, 40):
        (tmp_path / "b" / "journal.jsonl").write_bytes(b"".join(lines[:kept]))
        with Study.open(tmp_path / "b") as study:
            drive(study)
        assert decisions(tmp_path / "b") == whole


def test_ordinals_are_refused_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="ordinal"):
        Study.create(
            tmp_path,
            header={},
            space=mixed_space(),
            settings=toy_settings(generator="hpbandster"),
        )
