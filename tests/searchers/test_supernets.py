"""What has no supernet, or not with these settings, is refused before one is made."""

import pytest

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.registry import ENTRIES
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError
from oneshot_hpo.searchers.supernets import SUPERNETS, check_supernet


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (SearchSettings(stacks=1), "stacks must be 2 at least for the space of DARTS, not 1"),
        (SearchSettings(channels=1), "channels must be 2 at least for the space of DARTS, not 1"),
    ],
)
def test_settings_that_reduction_cells_cannot_have(settings: SearchSettings, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check_supernet(get_space("darts"), settings)
    check_supernet(get_space("nasbench201"), settings)


def test_each_space_has_a_supernet_or_says_that_it_has_none() -> None:
    without = []
    for entry in ENTRIES:
        space = get_space(entry.name)
        if space.family in SUPERNETS:
            check_supernet(space, SearchSettings())
            continue
        without.append(entry.name)
        with pytest.raises(SettingsError, match="space has no supernet: one-shot searches need"):
            check_supernet(space, SearchSettings())
    assert without == ["transnas-micro", "transnas-macro"]
