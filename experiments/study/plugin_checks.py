"""What a study's own code is asked at launch: small calls that show whether it can be used at all.

Whatever it does wrong is one line, before anything of the study is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo import foreign, plugins
from oneshot_hpo.errors import OneShotHpoError
from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.search_spaces import Architecture, SearchSpace, Table
from oneshot_hpo.search_spaces.table_file import split_source

if TYPE_CHECKING:
    from oneshot_hpo.searchers.data.images import ImageSplits
    from oneshot_hpo.searchers.searcher import Searcher
    from oneshot_hpo.searchers.settings import SearchSettings

_ARCHITECTURES = 5
_PARTS = ("supernet_train", "supernet_valid", "scratch_train", "valid", "test")


def check_space(name: str, space: SearchSpace) -> None:
    """UserError: a space that is a plug-in contradicts itself."""
    entry = _plugin("space", name)
    if entry is None:
        return
    with _asked(entry.label):
        rng = np.random.default_rng(0)
        drawn = [space.sample(rng) for _ in range(_ARCHITECTURES)]
        drawn.append(space.decode([rng.random(len(choice.candidates)) for choice in space.choices]))
        for architecture in drawn:
            _check_forms(space, architecture)


def check_table(name: str, table: Table, space: SearchSpace) -> None:
    """UserError: a table that is a plug-in has no finite lowest error of the space."""
    entry = _plugin("table", split_source(name)[0])
    if entry is None:
        return
    with _asked(entry.label):
        best = table.best(space)
        if not np.isfinite([best.valid_error, best.test_error]).all():
            raise UserError(f"its lowest mean errors in {space.title} are not finite: {best}")


def check_dataset(name: str, splits: ImageSplits) -> None:
    """UserError: the images and labels of a data set that is a plug-in do not fit each other."""
    entry = _plugin("dataset", name)
    if entry is None:
        return
    with _asked(entry.label):
        shape = (splits.channels, splits.image_size, splits.image_size)
        for part in _PARTS:
            images, labels = getattr(splits, part).images, getattr(splits, part).labels
            if images.shape != (len(labels), *shape) or not len(labels):
                wanted = f"({len(labels)}, {', '.join(map(str, shape))})"
                raise UserError(f"{part}: images of shape {images.shape}, not {wanted}")
            if images.dtype != np.float32 or not np.isfinite(images).all():
                raise UserError(f"{part}: images that are not finite numbers in float32")
            if labels.dtype != np.int64 or not ((labels >= 0) & (labels < splits.classes)).all():
                raise UserError(f"{part}: labels that are not int64 from 0 to {splits.classes - 1}")


def check_searcher(name: str, settings: SearchSettings, space: SearchSpace) -> None:
    """UserError: a searcher that is a plug-in cannot begin in a space, or returns nonsense."""
    entry = _plugin("searcher", name)
    if entry is None:
        return

    import torch

    from oneshot_hpo.searchers.registry import searcher_class
    from oneshot_hpo.searchers.searcher import check_architecture

    with _asked(entry.label):
        generator = torch.Generator().manual_seed(0)
        searcher = searcher_class(name)(space, settings, torch.device("cpu"), generator)
        searcher.begin_epoch(0, 2)
        for method in ("weights_encoding", "evaluation_encoding"):
            _check_encoding(getattr(searcher, method)(), space, method)
        check_architecture(searcher.architecture(), space, may_be_absent=True)
        _check_state(searcher)


def _plugin(kind: str, name: str) -> plugins.Entry | None:
    """The record of a plug-in; None for what is built in, and for the path of a file."""
    if name in plugins.names(kind) or not plugins.is_name(kind, name):
        return None
    return plugins.entry(kind, name)


def _check_forms(space: SearchSpace, architecture: Architecture) -> None:
    """UserError or InvalidArchitecture: an architecture does not survive being written."""
    space.check(architecture)
    if not isinstance(space.key(architecture), str):
        raise UserError(f"the key of {architecture.picks} is no text")
    document = json.loads(json.dumps(space.to_document(architecture)))
    if space.from_document(document) != architecture:
        raise UserError(f"from_document does not read what to_document wrote: {document}")


def _check_encoding(encoding: Any, space: SearchSpace, method: str) -> None:
    import torch

    from oneshot_hpo.searchers.network.encoding import Encoding

    if not isinstance(encoding, Encoding):
        raise UserError(f"{method} returned a {type(encoding).__name__}, not an Encoding")
    if len(encoding.weights) != len(space.choices):
        raise UserError(
            f"{method} has weights of {len(encoding.weights)} choices, not of {len(space.choices)}"
        )
    for choice, weights in zip(space.choices, encoding.weights, strict=True):
        for place, weight in weights.items():
            if place not in range(len(choice.candidates)):
                raise UserError(f"{method}: {choice.name} has no candidate {place}")
            if weight is not None and not bool(torch.isfinite(torch.as_tensor(weight)).all()):
                raise UserError(f"{method}: a weight of {choice.name} is {float(weight)}")


def _check_state(searcher: Searcher) -> None:
    """UserError: the state of a searcher is not what a checkpoint can hold."""
    state = searcher.state_dict()
    if not isinstance(state, dict):
        raise UserError(f"state_dict returned a {type(state).__name__}, not a dictionary")
    searcher.load_state_dict(state)


@contextmanager
def _asked(label: str) -> Iterator[None]:
    """Turn whatever code of the user's does wrong into one line that names it."""
    try:
        yield
    except OneShotHpoError as error:
        words = one_line(error)
        raise UserError(words if label in words else f"{label}: {words}") from None
    except Exception as error:
        where = foreign.place_of(error)
        raise UserError(f"{label}: {type(error).__name__}: {one_line(error)}{where}") from None
