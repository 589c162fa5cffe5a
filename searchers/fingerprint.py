"""The identity of a search: a checkpoint is continued by the search that began it alone."""

from __future__ import annotations

from typing import Any

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.gdas import Gdas
from oneshot_hpo.searchers.registry import searcher_class
from oneshot_hpo.searchers.settings import SearchSettings


def fingerprint(
    searcher: str,
    settings: SearchSettings,
    space: SearchSpace,
    data: ImageSplits,
    epochs: int,
    seed: int,
) -> dict[str, Any]:
    """The identity of a search, which its checkpoints record."""
    # Earlier versions left statistics and weights of operations that a step did not draw as they
    # were: such a search cannot be continued.
    found = searcher_class(searcher)
    draws = not issubclass(found, Darts) or issubclass(found, Gdas)
    is_paper = settings.supernet == "paper"
    return {
        **({"operations not drawn": "as in the paper's code"} if draws and is_paper else {}),
        "searcher": searcher,
        "space": space.id,
        "data set": data.name,
        "images": data.checksum,
        "epochs": epochs,
        "seed": seed,
        **settings.to_record(),
    }
