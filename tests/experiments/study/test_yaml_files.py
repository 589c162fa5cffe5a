import pytest

from oneshot_hpo.experiments.study.yaml_files import YamlError, dump_yaml, load_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 3e-4),
        ("1E5", 1e5),
        ("-2.5e+3", -2500.0),
        ("1.e3", 1000.0),
        ("10", 10),
        ("0.5", 0.5),
        ("null", None),
        ("e5", "e5"),
        ("digits", "digits"),
    ],
)
def test_numbers_are_numbers(text: str, value: object) -> None:
    loaded = load_yaml(text)
    assert loaded == value
    assert type(loaded) is type(value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: key 'a' is there twice"),
        ("s:\n  a: 1\n  a: 3", "line 3, column 3: key 'a' is there twice"),
        ("1: 2", "line 1, column 1: key 1 is not a word"),
        ("? [a]\n: 2", "key ['a'] is not a word"),
        ("a: [1", "line 1, column 6"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: \x00", "special characters"),
        ("a: 2001-99-99", "month must be in 1..12"),
        ("[" * 5000, "recursion"),
    ],
)
def test_an_error_is_one_line(text: str, message: str) -> None:
    with pytest.raises(YamlError) as caught:
        load_yaml(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_document_survives_the_round_trip_in_its_order() -> None:
    document = {"z": 1e-5, "a": {"y": None, "x": [1, 2]}, "text": "3e-4", "yes": True}
    text = dump_yaml(document)
    assert load_yaml(text) == document
    assert list(load_yaml(text)) == ["z", "a", "text", "yes"]
