"""Words of a command with names in braces."""

import pytest

from oneshot_hpo.searchers.command.words import WordError, filled, placeholders


def test_names_are_found_once_and_filled() -> None:
    words = ["train.py", "--lr", "{lr}", "--both={lr},{batch-size}", "{{kept}}"]
    assert placeholders(words) == ["lr", "batch-size"]
    values = {"lr": 0.1, "batch-size": 64}
    assert filled(words, values) == ["train.py", "--lr", "0.1", "--both=0.1,64", "{kept}"]


def test_values_are_written_as_json_writes_them_and_text_as_it_is() -> None:
    values = {"a": True, "b": None, "c": 1e-07, "d": "x y", "e": 3}
    assert filled(["{a}", "{b}", "{c}", "{d}", "{e}"], values) == [
        *("true", "null", "1e-07", "x y", "3"),
    ]


@pytest.mark.parametrize("word", ["{", "a}", "{}", "{a.b}", "{a[0]}", "{a:>3}", "{a!r}", "{a b}"])
def test_braces_that_hold_no_name_are_refused(word: str) -> None:
    with pytest.raises(WordError, match="brace"):
        placeholders([word])
