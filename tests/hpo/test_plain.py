import json
import math

import numpy as np
import pytest

from oneshot_hpo.hpo import StudyError
from oneshot_hpo.hpo.plain import finite_loss, plain


def test_plain_values_survive_json_unchanged() -> None:
    value = {
        1: np.float64(0.1),
        "a": (np.int64(3), np.str_("x"), np.bool_(True), None),
        "b": np.array([[1.5, math.nan]]),
        "c": {"d": math.inf},
    }
    result = plain(value)
    assert result == {"1": 0.1, "a": [3, "x", True, None], "b": [[1.5, None]], "c": {"d": None}}
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert [type(item) for item in result["a"]] == [int, str, bool, type(None)]
    assert type(result["1"]) is float


def test_values_without_a_json_type_are_refused() -> None:
    with pytest.raises(StudyError, match="object"):
        plain({"x": object()})


@pytest.mark.parametrize(
    "loss", [math.nan, math.inf, -math.inf, None, "0.1", True, [0.1], {}, 10**400]
)
def test_anything_but_a_finite_number_is_no_loss(loss: object) -> None:
    assert finite_loss(loss) is None


@pytest.mark.parametrize("loss", [0, 0.25, np.float32(0.25), np.int64(2)])
def test_finite_losses_become_floats(loss: float) -> None:
    assert finite_loss(loss) == loss
    assert type(finite_loss(loss)) is float
