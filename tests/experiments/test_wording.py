import pytest

from oneshot_hpo.experiments.wording import file_size, rough


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_500_000, "1.5 MB"),
        (2_200_000_000, "2.2 GB"),
        (3 * 10**15, "3000.0 TB"),
    ],
)
def test_sizes_of_files(count: int, text: str) -> None:
    assert file_size(count) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "0"), (0.01234, "0.0123"), (142.7, "143"), (9768.2, "9,770"), (13712.0, "13,700")],
)
def test_rough_amounts_have_three_digits_and_no_exponent(amount: float, text: str) -> None:
    assert rough(amount) == text
