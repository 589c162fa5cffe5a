"""The configuration spaces CS1, CS2 and CS3 of Zela et al. 2020 (NAS-Bench-1Shot1), section 5.

Each contains the one before it. CS1 has regularisation, CS2 adds the learning rate, and CS3 adds
the architecture optimizer, momentum, cutout length, batch size and gradient clipping. Here, CS3
also has the hyperparameters of the one-shot optimizer, and the search's settings as its defaults.
`cs3-paper` is CS3 as the authors' code has it (github.com/automl/nasbench-1shot1 at cb0f0ec,
optimizers/bohb_one_shot/worker.py): nine hyperparameters for every optimizer, and where that code
names no default, ConfigSpace's, the middle of the range.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ConfigSpace import ConfigurationSpace, Float, Integer
from ConfigSpace.hyperparameters import Hyperparameter

from oneshot_hpo.hpo.errors import StudyError

UNTUNED = "none"
"""The space without hyperparameters, for a study of a single configuration."""
PUBLISHED_CS3 = "cs3-paper"
"""CS3 as published: without the one-shot optimizer's own hyperparameters, other defaults."""
CONFIGURATION_SPACES = ("cs1", "cs2", "cs3", PUBLISHED_CS3, UNTUNED)


@dataclass(frozen=True)
class Range:
    """A hyperparameter in [low, high]; an integer if its default is one."""

    default: float
    low: float
    high: float
    log: bool = False


def published_defaults(name: str, image_size: int) -> dict[str, float]:
    """The defaults that the authors' code gives to CS3's last six; empty for other spaces.

    ConfigSpace takes the middle of a range where no default is named, on a logarithmic scale or
    not. `image_size` is the height of the images in pixels, which bounds the cutout.
    """
    if name != PUBLISHED_CS3:
        return {}
    return {
        "arch_learning_rate": math.sqrt(1e-5 * 1e-2),
        "arch_weight_decay": math.sqrt(1e-4 * 1e-1),
        "momentum": (0 + 0.99) / 2,
        "cutout_length": int(math.sqrt(2 * min(32, image_size))),
        "batch_size": (16 + 128) // 2,
        "grad_clip": (1 + 9) // 2,
    }


def configuration_space(
    name: str,
    *,
    image_size: int = 32,
    defaults: Mapping[str, float] | None = None,
    own: Mapping[str, Range] | None = None,
    without: Collection[str] = (),
) -> ConfigurationSpace:
    """The configuration space called `name`, one of CONFIGURATION_SPACES.

    `image_size` is the height of the images in pixels: a cutout cannot be longer. `defaults`
    replace the paper's default values of the hyperparameters that they name; other names are
    ignored. `own` are hyperparameters of the one-shot optimizer, added to cs3. Those in `without`
    are left out, because the one-shot optimizer does not use them. Raises StudyError for an unknown
    name, images below 4 pixels, or a default outside its range.
    """
    if name not in CONFIGURATION_SPACES:
        raise StudyError(
            f"unknown configuration space {name!r}: choose one of {', '.join(CONFIGURATION_SPACES)}"
        )
    if image_size < 4:
        raise StudyError(f"image_size must be at least 4 pixels, not {image_size!r}")
    if name == UNTUNED:
        return ConfigurationSpace(name=name)
    defaults = published_defaults(name, image_size) | dict(defaults or {})
    fixed = {key: value for key, value in defaults.items() if key not in without}

    def real(
        name: str, low: float, high: float, default: float, *, log: bool = False
    ) -> Hyperparameter:
        value = _default_inside(name, fixed.get(name, default), low, high)
        return Float(name, (low, high), default=float(value), log=log)

    def integer(
        name: str, low: int, high: int, default: int, *, log: bool = False
    ) -> Hyperparameter:
        value = _default_inside(name, fixed.get(name, default), low, high)
        if value != int(value):
            raise StudyError(f"the default of {name} must be a whole number, not {value!r}")
        return Integer(name, (low, high), default=int(value), log=log)

    hyperparameters: list[Hyperparameter] = [
        real("weight_decay", 1e-5, 1e-3, 3e-4, log=True),
        real("cutout_prob", 0.0, 1.0, 0.0),
    ]
    if name in ("cs2", "cs3", PUBLISHED_CS3):
        hyperparameters += [real("learning_rate", 1e-3, 1.0, 0.025, log=True)]
    if name in ("cs3", PUBLISHED_CS3):
        hyperparameters += [
            real("arch_learning_rate", 1e-5, 1e-2, 3e-4, log=True),
            real("arch_weight_decay", 1e-4, 1e-1, 1e-3, log=True),
            real("momentum", 0.0, 0.99, 0.9),
            integer("cutout_length", 2, min(32, image_size), min(16, image_size // 2), log=True),
            integer("batch_size", 16, 128, 96),
            integer("grad_clip", 1, 9, 5),
        ]
    if name == "cs3":
        for key, given in (own or {}).items():
            if isinstance(given.default, int):
                low, high = int(given.low), int(given.high)
                hyperparameters += [integer(key, low, high, given.default, log=given.log)]
            else:
                hyperparameters += [real(key, given.low, given.high, given.default, log=given.log)]
    space = ConfigurationSpace(name=name)
    space.add([h for h in hyperparameters if h.name not in without])
    return space


def _default_inside(name: str, value: Any, low: float, high: float) -> float:
    """`value`, checked to be in [low, high]. Raises StudyError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise StudyError(
            f"the default of {name} must be a number in [{low}, {high}], its range in the "
            f"configuration space, not {value!r}"
        )
    return value
