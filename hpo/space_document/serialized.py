"""Spaces as ConfigSpace itself writes them, of today or of its version 0.4."""

from __future__ import annotations

import copy
import warnings
from typing import Any

from ConfigSpace import ConfigurationSpace

from oneshot_hpo.hpo.errors import StudyError

NEW_NAMES = {"default": "default_value", "probabilities": "weights"}
"""Keys of a hyperparameter in version 0.4, and what they are called now."""


def space_from_serialized(serialized: Any) -> ConfigurationSpace:
    """The space in what ConfigSpace's to_json, to_yaml or to_serialized_dict made.

    StudyError: there is no space in it; the message does not say where it came from.
    """
    try:
        document = copy.deepcopy(serialized)  # ConfigSpace changes it
        document["hyperparameters"] = [
            {NEW_NAMES.get(key, key): value for key, value in one.items() if key != "q"}
            for one in document["hyperparameters"]
        ]
        with warnings.catch_warnings(action="ignore"):
            return ConfigurationSpace.from_serialized_dict(document)
    except Exception as error:  # ConfigSpace raises many kinds
        words = " ".join(str(error).split())
        raise StudyError(
            f"holds no space of ConfigSpace ({type(error).__name__}: {words})"
        ) from None
