"""A searcher that answers nonsense is named as the fault, in a line."""

from typing import Any

import pytest
import torch

from oneshot_hpo.experiments.errors import is_user_error
from oneshot_hpo.foreign import BrokenPlugin
from oneshot_hpo.search_spaces import Architecture, get_space
from oneshot_hpo.searchers.answers import checked_encoding, checked_end
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.searcher import Searcher
from oneshot_hpo.searchers.settings import SearchSettings

SPACE = get_space("nasbench201")
RIGHT = Architecture(((0,),) * 6)


def test_what_is_right_passes() -> None:
    encoding = Encoding.discrete(RIGHT)
    assert checked_encoding(encoding, SPACE) is encoding
    assert checked_end(RIGHT, SPACE) is RIGHT


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "gave None as encoding, not an Encoding"),
        ([{0: None}] * 6, "not an Encoding"),
        (Encoding(({0: None},) * 5), "of 5 choices: NAS-Bench-201 has 6"),
    ],
)
def test_no_encoding_of_the_space(found: Any, words: str) -> None:
    with pytest.raises(BrokenPlugin, match=rf"^[^\n]*{words}[^\n]*$") as broken:
        checked_encoding(found, SPACE)
    assert is_user_error(broken.value)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "ended with None, not with an Architecture"),
        ("conv", "ended with 'conv', not with an Architecture"),
        (Architecture(((0,),) * 5), "not an architecture of NAS-Bench-201"),
        (Architecture(((9,),) * 6), "cannot be picked"),
    ],
)
def test_no_architecture_of_the_space(found: Any, words: str) -> None:
    with pytest.raises(BrokenPlugin, match=rf"^[^\n]*{words}[^\n]*$"):
        checked_end(found, SPACE)


def test_a_searcher_needs_its_five_methods_and_no_more() -> None:
    class Fixed(Searcher):
        def architecture_step(self, supernet: Any, train: Any, valid: Any, weights: Any) -> None:
            return None

        def weights_encoding(self) -> Encoding:
            return Encoding.discrete(RIGHT)

        def architecture(self) -> Architecture:
            return RIGHT

        def state_dict(self) -> dict[str, Any]:
            return {}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            pass

    assert len(Searcher.__abstractmethods__) == 5
    searcher = Fixed(SPACE, SearchSettings(), torch.device("cpu"), torch.Generator())
    assert searcher.evaluation_encoding() == searcher.weights_encoding()
    assert searcher.conclude(None) == RIGHT  # type: ignore[arg-type]
    assert searcher.space is SPACE
