import dataclasses

from support.tiny_searches import TINY

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.fingerprint import fingerprint


def test_settings_that_came_later_are_in_the_fingerprint_only_where_they_are_used(few_digits):
    """So that a checkpoint of an earlier version is continued."""

    def found(**changed):
        settings = dataclasses.replace(TINY, **changed)
        return fingerprint("darts", settings, get_space(1), few_digits, 3, 0)

    assert not {"image_size", "train_share", "warmup_share"} & found().keys()
    assert found() == found(image_size=None, train_share=1, warmup_share=0)
    assert found(image_size=4) == found() | {"image_size": 4}
    assert found(train_share=0.5) == found() | {"train_share": 0.5}
