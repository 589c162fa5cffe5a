"""What `show` says of a study whose architecture learns at a rate by rule."""

from pathlib import Path

import pytest

from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.scaled_rate import rate_lines
from oneshot_hpo.experiments.study.validation import load_study

SCALED = "search.arch_learning_rate=scaled"


def lines(study: Path, *overrides: str) -> list[str]:
    return rate_lines(complete(load_study(str(study), overrides), "tiny"))


def test_the_rate_at_each_budget_is_shown(tiny_study: Path) -> None:
    (line,) = lines(tiny_study, SCALED, "min_budget=3", "max_budget=12", "search.batch_size=50")
    start, _, rates = line.partition(", by default, ")
    assert start == "arch_learning_rate scaled is"
    found = {int(part.split()[2]): float(part.split()[0]) for part in rates.split(", ")}
    wanted = {3: 4 * found[12], 6: 2 * found[12], 12: found[12]}
    assert found == pytest.approx(wanted, rel=0.01)


def test_nothing_is_shown_where_it_is_set_or_has_no_effect(tiny_study: Path) -> None:
    assert lines(tiny_study) == []
    assert lines(tiny_study, SCALED, "searcher=random_ws") == []


def test_a_named_space_does_not_tune_it_and_an_own_range_needs_a_default(tiny_study: Path) -> None:
    spec = complete(load_study(str(tiny_study), [SCALED, "config_space=cs3"]), "tiny")
    assert "arch_learning_rate" not in spec.configuration_space()
    own = ["config_space={arch_learning_rate: {lower: 1.e-3, upper: 0.1}}", SCALED]
    with pytest.raises(ValueError, match=r"the search's, which is 'scaled' and not in .*give a"):
        complete(load_study(str(tiny_study), own), "tiny")
