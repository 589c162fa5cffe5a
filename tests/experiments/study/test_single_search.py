from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from oneshot_hpo.experiments.study.single_search import run_single_search


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"overrides": ["seed=1"]}, "only search.SETTING=VALUE has a meaning here"),
        ({"overrides": ["search=1"]}, "only search.SETTING=VALUE has a meaning here"),
        ({"overrides": ["search.chanels=1"]}, "did you mean channels"),
        ({"searcher": "drats"}, "darts"),
        ({"space": 4}, "not 4"),
        ({"space": 2}, "lacks"),  # the table has the cells of space 1
        ({"dataset": "none.npz"}, "none.npz"),
        ({"table": "none.npz"}, "none.npz"),
        ({"folder": Path(__file__).parent}, "holds no search"),
        ({"folder": Path(__file__)}, "holds no search"),
        (
            {"overrides": ["search.learning_rate=1e30", "search.grad_clip=1e30"]},
            "the search diverged in epoch 1",
        ),
    ],
)
def test_what_cannot_be_searched_is_one_line(
    table_file: str, changed: dict[str, Any], message: str
) -> None:
    small = ["search.channels=2", "search.stacks=1", "search.cells_per_stack=1"]
    arguments: dict[str, Any] = {
        "searcher": "darts",
        "space": 1,
        "dataset": "digits",
        "table": table_file,
        "epochs": 1,
        "seed": 0,
        "overrides": [],
        "folder": None,
    } | changed
    if arguments["overrides"] != ["search=1"]:
        arguments["overrides"] = [*small, *arguments["overrides"]]
    with pytest.raises(ValueError, match=message) as caught:
        run_single_search(Console(quiet=True), **arguments)
    assert "\n" not in str(caught.value)
