from pathlib import Path
from typing import Any

import pytest
from support.study_commands import called

from oneshot_hpo import OneShotHpoError
from oneshot_hpo.experiments.study.single_search import search, settings_of


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
    overrides = arguments.pop("overrides")
    with pytest.raises(OneShotHpoError, match=message) as caught:
        settings, transfer = settings_of(
            overrides if overrides == ["search=1"] else small + overrides
        )
        search(**arguments, settings=settings, transfer=transfer)
    assert "\n" not in str(caught.value)


def test_a_search_that_diverges_is_bad_input_on_the_command_line(table_file: str) -> None:
    small = ["search.channels=2", "search.stacks=1", "search.cells_per_stack=1"]
    words = [*small, "search.learning_rate=1e30", "search.grad_clip=1e30"]
    options = [part for word in words for part in ("--set", word)]
    ended = called("search", "--table", table_file, "--epochs", 1, *options)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: the search diverged in epoch 1")
