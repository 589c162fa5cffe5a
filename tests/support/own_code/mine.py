"""Somebody's own searcher, space with network, table and data set, beside a study file."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from oneshot_hpo.checks import number, one_of, setting, whole
from oneshot_hpo.search_spaces import Architecture, EnumerableSpace
from oneshot_hpo.search_spaces.choices import Choice, InvalidArchitecture
from oneshot_hpo.search_spaces.table import COST, Metric, Table
from oneshot_hpo.searchers.data.datasets import split_arrays
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.random_ws import UniformSearcher
from oneshot_hpo.searchers.settings import SearchSettings

OPERATIONS = ("line", "bend")


class Layers(EnumerableSpace):
    """Three layers, each of them linear or not."""

    name, family, title = "layers", "layers", "my layers"
    operations = OPERATIONS
    choices = tuple(Choice(f"layer_{place}", OPERATIONS) for place in range(3))
    supernet = f"{__name__}:supernet_of"

    def key(self, architecture: Architecture) -> str:
        return "-".join(OPERATIONS[place] for (place,) in architecture.picks)

    def to_document(self, architecture: Architecture) -> dict[str, Any]:
        return {"layers": self.key(architecture)}

    def from_document(self, document: Mapping[str, Any]) -> Architecture:
        try:
            names = document["layers"].split("-")
            return Architecture(tuple((OPERATIONS.index(name),) for name in names))
        except (KeyError, AttributeError, ValueError) as error:
            raise InvalidArchitecture(f"no layers: {error}") from None


LAYERS = Layers()


class Network(OneShotNetwork):
    """Each layer is the mixture of both kinds."""

    def __init__(self, pixels: int, classes: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Linear(pixels, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in LAYERS.choices)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor, encoding: Encoding) -> Tensor:
        x = self.stem(images.flatten(1))
        for layer, weights in zip(self.layers, encoding.weights, strict=True):
            straight = layer(x)
            kinds = (straight, straight.relu())
            x = sum(kinds[p] if w is None else w * kinds[p] for p, w in weights.items())
        return self.head(x)


def supernet_of(
    space: Layers, data: ImageSplits, settings: SearchSettings, generator: torch.Generator
) -> Network:
    pixels = data.channels * (settings.image_size or data.image_size) ** 2
    network = Network(pixels, data.classes, settings.channels)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.1, generator=generator)
    return network


class LayersTable(Table):
    """The more bends, the better, up to two of them."""

    family = "layers"
    budgets = (1, 4)
    provenance = MappingProxyType({"name": "layers", "dataset": "few"})
    metrics = MappingProxyType(
        {
            "train_error": Metric(),
            "valid_error": Metric(),
            "test_error": Metric(),
            "seconds": Metric("s", kind=COST),
        }
    )

    def __len__(self) -> int:
        return 8

    def values(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        column = self.column(budget)
        bends = np.array([sum(picks) for picks in product((0, 1), repeat=3)])[rows]
        error = (abs(bends - 2) + 1) / 8 / (column + 1)
        if metric == "seconds":
            error = np.full_like(error, 2.0)
        return np.stack([error, error + 0.01], -1)

    def key(self, row: int) -> str:
        return LAYERS.key(LAYERS.architecture(row))

    def entries(self, space: Any) -> np.ndarray:
        return np.arange(8)

    def entry_of(self, space: Any) -> np.ndarray:
        return np.arange(8)


def few() -> ImageSplits:
    """A hundred of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return split_arrays("few", digits.images[:100], digits.target[:100])


@dataclass(frozen=True, kw_only=True)
class FirstSettings(SearchSettings):
    """A setting of each kind that can be tuned."""

    tries: int = setting(4, whole(1, 100))
    rule: str = setting("last", one_of("first", "last"))
    share: float = setting(0.5, number(low=0, high=1, keep=float))
    rounds: int = setting(2, whole(1, 8))


class First(UniformSearcher[FirstSettings]):
    """Ends with the best of a few drawn cells."""

    settings_class = FirstSettings

    def conclude(self, evaluation: Any) -> Architecture:
        drawn = [self._drawn() for _ in range(self._settings.tries)]
        errors = evaluation.errors(drawn)
        order = range(len(errors)) if self._settings.rule == "first" else range(len(errors))[::-1]
        return drawn[min(order, key=errors.__getitem__)]
