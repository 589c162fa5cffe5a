import pytest

from oneshot_hpo.experiments.numbers.csv_cells import cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3|x", "@SUM(A1)", "\t=1", "\r=1", "-", "=", "--1"]
)
def test_a_text_is_no_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", [-1.5, -3, "-1.5", "-1.5e-07", "+2", "-1-0-0", "darts", "", None, True, "1=1", "a@b"]
)
def test_numbers_and_plain_texts_are_not_touched(value: object) -> None:
    assert cell(value) is value
