"""Genotypes in Python's text are read as data, and nothing in them runs."""

from pathlib import Path

import pytest

from oneshot_hpo.search_spaces.darts.genotype import parse_genotype

DOCUMENT = {
    "normal": [("sep_conv_3x3", 0)],
    "normal_concat": [2, 3],
    "reduce": [("max_pool_3x3", 1)],
    "reduce_concat": [2, 3],
}


@pytest.mark.parametrize(
    "text",
    [
        "Genotype(normal=[('sep_conv_3x3', 0)], normal_concat=[2, 3], "
        "reduce=[('max_pool_3x3', 1)], reduce_concat=[2, 3])",
        "  DARTS = Genotype(\n  normal=[\n('sep_conv_3x3', 0)], normal_concat=range(2, 4),\n"
        "  reduce=[('max_pool_3x3', 1)], reduce_concat=range(2, 4),\n)\n",
        "Genotype([('sep_conv_3x3', 0)], range(2, 4), [('max_pool_3x3', 1)], (2, 3))",
    ],
)
def test_the_authors_text_is_read(text: str) -> None:
    assert parse_genotype(text) == DOCUMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Genotype",
        "Genotype()",
        "Genotype(normal=[])",
        "Genotype(1, 2, 3, 4, 5)",
        "Genotype([], [], [], [], normal=[])",
        "Genotype(normal=[], normal_concat=range(10**9), reduce=[], reduce_concat=[])",
        "Genotype(normal=[], normal_concat=range(100000000), reduce=[], reduce_concat=[])",
        "Genotype(normal=[], normal_concat=range(), reduce=[], reduce_concat=[])",
        "Genotype(**{})",
        "(" * 5000,
        "x" * 20_000,
        "Genotype(normal=[], normal_concat=[], reduce=[], reduce_concat=[]); print(1)",
        "other.Genotype(normal=[], normal_concat=[], reduce=[], reduce_concat=[])",
    ],
)
def test_anything_else_is_refused_on_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="not a genotype of DARTS") as refused:
        parse_genotype(text)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


def test_nothing_in_a_text_is_called(tmp_path: Path) -> None:
    mark = tmp_path / "called"
    call = f"open({str(mark)!r}, 'w')"
    for field in ("normal", "normal_concat"):
        text = "Genotype(normal=[], normal_concat=[], reduce=[], reduce_concat=[])"
        with pytest.raises(ValueError, match="not a genotype"):
            parse_genotype(text.replace(f"{field}=[]", f"{field}={call}"))
    assert not mark.exists()
