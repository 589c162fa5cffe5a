"""`oneshot-hpo compare` on confirmations and baselines whose results are made up by the test."""

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from support.confirmed_study import Confirmed

from oneshot_hpo.experiments.compare.comparing import Space, compare_sources
from oneshot_hpo.experiments.compare.display import print_spaces
from oneshot_hpo.experiments.compare.sources import read_sources
from oneshot_hpo.experiments.compare.tables import check_suffix, write_table
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import get_space, load_table

LOW = [0.01, 0.011, 0.012, 0.013, 0.014, 0.015, 0.016]
HIGH = [0.05, 0.052, 0.054, 0.056, 0.058, 0.060, 0.062]


@pytest.fixture
def baselines(table_file: str, tmp_path: Path) -> Callable[..., str]:
    """Writes a file of baselines in the format of `baselines run`: (errors by method, space)."""
    pa = pytest.importorskip("pyarrow", reason="needs the extra baselines")
    pq = pytest.importorskip("pyarrow.parquet")

    def make(methods: dict[str, np.ndarray], *, space: int = 1, checksum: str | None = None) -> str:
        digest = hashlib.sha256(Path(table_file).read_bytes()).hexdigest()
        plan = {"table": {"name": "synthetic", "sha256": checksum or digest}}
        rows = [
            {
                "method": method,
                "space": space,
                "repetition": repetition,
                "evaluation": evaluation,
                "incumbent_test_error": error,
            }
            for method, errors in methods.items()
            for repetition, trace in enumerate(errors)
            for evaluation, error in enumerate(trace)
        ]
        table = pa.Table.from_pylist(rows).replace_schema_metadata(
            {"oneshot-hpo": json.dumps(plan)}
        )
        path = tmp_path / "results.parquet"
        pq.write_table(table, path)
        return str(path)

    return make


def compared(*sources: str) -> list[Space]:
    return compare_sources(*read_sources(sources))


def text_of(*sources: str) -> str:
    console = Console(file=io.StringIO(), width=90)
    print_spaces(console, compared(*sources))
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_a_difference_is_a_sentence_with_its_grounds(confirmed: Confirmed) -> None:
    text = text_of(confirmed("a", LOW, HIGH))
    assert "darts tuned in cs2 is better than darts default, with 7 seeds." in text
    assert "darts default is 4.31 times that of darts tuned in cs2 (95 % interval 4." in text
    assert "higher with 7 seeds, lower with 0; rank-biserial correlation +1.00, p = 0.016" in text
    assert "7 │ 1.30 │ 1." in text


def test_a_default_that_is_better_is_reported_too(confirmed: Confirmed) -> None:
    assert "darts tuned in cs2 is worse than darts default" in text_of(confirmed("a", HIGH, LOW))


def test_what_is_not_shown_says_what_would_decide_it(confirmed: Confirmed) -> None:
    text = text_of(confirmed("a", [*LOW[:5], 0.08, 0.09], HIGH))
    assert "Not shown with 7 seeds: whether darts tuned in cs2 is better or worse" in text
    assert "would likely decide it (80 % power" in text
    # A range, for few seeds do not say how large the difference is.
    more = re.search(r"\. (\d+) (?:to (\d+) seeds|seeds or many) more would likely", text)
    assert more is not None
    # Each seed more is a search with either setting, of 36 seconds.
    hours = float(text.split("% of cases): ")[1].split(" ")[0])
    assert hours == pytest.approx(int(more[1]) * 72 / 3600, rel=0.05)
    assert "compare again only then: adding seeds until a difference appears produces false" in text


@pytest.mark.parametrize("seeds", [1, 5])
def test_few_seeds_show_nothing_and_have_no_interval(confirmed: Confirmed, seeds: int) -> None:
    text = text_of(confirmed("a", LOW[:seeds], HIGH[:seeds]))
    assert f"Not shown with {seeds} seed" in text
    assert "With fewer than 6 seeds no difference can be shown" in text
    assert f"{6 - seeds} seed" in text
    assert "interval" not in text.split("deviation")[1]
    assert "nan" not in text


@pytest.mark.slow
def test_few_seeds_against_many_can_show_something(
    confirmed: Confirmed, baselines: Callable[..., str], table_file: str
) -> None:
    """The least number of seeds is one of pairs; what is shown is not said to be impossible."""
    best = load_table(table_file).best(get_space(1)).test_error
    errors = best + np.linspace(0.04, 0.05, 50)[:, None] + np.zeros((1, 6))
    a, file = confirmed("a", LOW[:5], HIGH[:5]), baselines({"rs": errors})
    pairing = compared(a, file)[0].pairings[1]
    assert pairing.comparison.verdict == "better"
    text = text_of(a, file)
    assert "darts tuned in cs2 is better than rs, with 5 seeds against 50." in text
    assert text.count("no difference can be shown") == 1  # of its five pairs with the default
    one = confirmed("b", LOW[:1], HIGH[:1])
    assert compared(one, file)[0].pairings[1].comparison.p_value == pytest.approx(2 * 2 / 51)
    few = baselines({"rs": errors[:4]})
    assert "Samples this small cannot show a difference." in text_of(one, few)


@pytest.mark.slow
def test_a_question_is_asked_once_however_it_is_named(
    confirmed: Confirmed, baselines: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = confirmed("a", LOW, HIGH), confirmed("b", HIGH, HIGH, "seed=1")
    (usual,) = compared(a, b)
    monkeypatch.chdir(Path(a).parent)
    (space,) = compared(a, b, f"{a}:default", "a:0-0-0", "./b")
    assert [one.origin for one in space.samples] == [one.origin for one in usual.samples]
    assert len(space.pairings) == len(usual.pairings) == 3
    for one, two in zip(space.pairings, usual.pairings, strict=True):
        assert one.comparison.p_value == two.comparison.p_value
    assert f"{a}:default: darts default is in {a} too; it counts once" in space.notes
    file = baselines({"rs": np.linspace(0.2, 0.3, 8)[:, None] + np.zeros((1, 6))})
    (space,) = compared(a, file, f"{file}:rs")
    assert [one.method for one in space.samples][2:] == ["rs"]
    assert len(space.pairings) == 2


def test_seeds_of_one_sample_alone_are_reported_as_left_out(confirmed: Confirmed) -> None:
    text = text_of(confirmed("a", LOW, [*HIGH, *HIGH]))
    assert "is better than darts default, with 7 seeds that both have (of 7 and 14)." in text


@pytest.mark.slow
def test_medians_that_say_otherwise_are_explained(confirmed: Confirmed) -> None:
    """Far better in eight seeds, a little worse in the two that decide the medians."""
    tuned = [0.001, 0.002, 0.003, 0.004, 0.0205, 0.0206, 0.03, 0.031, 0.032, 0.033]
    default = [0.015, 0.016, 0.017, 0.0185, 0.02, 0.0202, 0.06, 0.065, 0.07, 0.075]
    text = text_of(confirmed("a", tuned, default))
    assert "darts tuned in cs2 is better than darts default, with 10 seeds." in text
    assert "darts default is 0.98 times that of" in text
    assert (
        "The medians point the other way: the verdict is that of the test, which uses ranks of "
        "differences." in text
    )


@pytest.mark.slow
def test_crashes_count_as_worst_and_are_shown(confirmed: Confirmed) -> None:
    text = text_of(confirmed("a", LOW, [math.inf] * 6 + [0.05]))
    assert "darts tuned in cs2 is better than darts default" in text
    assert "ratio of median regrets is infinite" in text
    assert "crash │" in text
    with pytest.raises(UserError, match="every run of 0-0-0 crashed"):
        compared(confirmed("b", [math.inf] * 6, HIGH))


@pytest.mark.slow
def test_studies_are_paired_where_they_have_seeds_in_common(confirmed: Confirmed) -> None:
    a, b = confirmed("a", LOW, HIGH), confirmed("b", HIGH[:6], HIGH, "config_space=cs1")
    last = compared(a, b)[0].pairings[-1].comparison
    assert last.pairs == 6
    other_seed = confirmed("c", HIGH, HIGH, "seed=1")
    last = compared(a, other_seed)[0].pairings[-1].comparison
    assert (last.pairs, last.sizes) == (None, (7, 7))
    assert "Mann and Whitney" in text_of(a, other_seed)
    assert "darts tuned in cs2, study seed 1" in text_of(a, other_seed)


@pytest.mark.slow
def test_studies_that_nothing_sets_apart_go_by_their_folders(confirmed: Confirmed) -> None:
    for name in ("one", "two"):
        confirmed(name, LOW, HIGH)
    one = str(Path(confirmed("x", LOW, HIGH)).parent / "one")
    two = str(Path(one).parent / "two")
    (space,) = compared(one, two)
    assert [space.name(sample) for sample in space.samples[::2]] == [
        *(f"darts tuned in cs2 [{one}]", f"darts tuned in cs2 [{two}]")
    ]
    table = text_of(one, two).split("Not shown")[0].split("is better")[0]
    for name in ("one]", "two]"):
        assert table.replace(" │ │ │ │ │ │ │ ", "").count(name) >= 1


@pytest.mark.slow
def test_p_values_hold_for_all_comparisons_together(confirmed: Confirmed) -> None:
    alone = compared(confirmed("a", LOW, HIGH))[0].pairings[0].comparison.p_value
    sources = [str(confirmed(name, LOW, HIGH, f"seed={k}")) for k, name in enumerate("bcd")]
    pairings = compared(*sources)[0].pairings
    assert len(pairings) == 5
    assert pairings[0].comparison.p_value == pytest.approx(5 * alone)


def test_one_setting_can_be_named(confirmed: Confirmed) -> None:
    a = confirmed("a", LOW, HIGH)
    (space,) = compared(f"{a}:default", f"{a}:tuned")
    assert [pairing.comparison.verdict for pairing in space.pairings] == ["worse"]
    with pytest.raises(UserError, match=r"no such setting .* there are tuned, default, 0-0-0"):
        compared(f"{a}:fast")


@pytest.mark.slow
def test_searches_of_unequal_length_are_noted(confirmed: Confirmed) -> None:
    sources = [confirmed("a", LOW, HIGH), confirmed("b", LOW, HIGH, "max_budget=4")]
    assert "note: searches are not equally long, in epochs:" in text_of(*sources)
    running = confirmed("c", LOW, HIGH, evaluations=4)
    assert "the study has not finished (4 of 6 evaluations)" in text_of(running)


@pytest.mark.slow
def test_baselines_are_taken_after_as_many_evaluations(
    confirmed: Confirmed, baselines: Callable[..., str], table_file: str
) -> None:
    best = load_table(table_file).best(get_space(1)).test_error
    rng = np.random.default_rng(0)
    falling = best + 0.001 * np.arange(20, 0, -1) + rng.uniform(0, 1e-4, (8, 1))
    file = baselines({"rs": falling + 0.001, "re": falling})
    (space,) = compared(confirmed("a", LOW, HIGH), file)
    samples = {sample.method: sample for sample in space.samples}
    # The study had 6 evaluations: the sixth of the baseline's 20 counts.
    assert samples["re"].values == pytest.approx(falling[:, 5] - best)
    assert samples["re"].evaluations == 6
    assert samples["rs"].values == pytest.approx(falling[:, 5] + 0.001 - best)
    assert [pairing.second.method for pairing in space.pairings] == ["darts default", "re", "rs"]
    assert "the best of 6 evaluations by validation, as many as" in text_of(
        str(Path(file).parent / "a"), file
    )
    (alone,) = compared(str(Path(file).parent / "a"), f"{file}:rs")
    assert [s.method for s in alone.samples][2:] == ["rs"]
    short = baselines({"rs": falling[:, :4]})
    assert "the best of 4 evaluations by validation, for it has no more;" in text_of(
        str(Path(file).parent / "a"), short
    )


@pytest.mark.slow
def test_odd_sources_are_one_line(
    confirmed: Confirmed,
    baselines: Callable[..., str],
    finished_study: Path,
    tmp_path: Path,
) -> None:
    def refused(*sources: str) -> str:
        with pytest.raises(UserError) as caught:
            compared(*sources)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    a = confirmed("a", LOW, HIGH)
    errors = np.full((8, 6), 0.1)
    assert "holds nothing of space 1, only of 2" in refused(a, baselines({"rs": errors}, space=2))
    other = baselines({"rs": errors}, checksum="0" * 64)
    assert "made with another table" in refused(a, other)
    assert "name a study with that table as well" in refused(other)
    assert "there are rs" in refused(f"{other}:tpe")
    assert "is given twice" in refused(a, a)
    assert f"oneshot-hpo confirm {finished_study}" in refused(str(finished_study))
    assert "no such folder" in refused(str(tmp_path / "none"))
    digits = confirmed("digits", LOW, HIGH, "table=digits")
    assert "regrets of different tables" in refused(a, digits)
    for name, content in (("x.parquet", b"PAR1"), ("empty.parquet", b"")):
        (tmp_path / name).write_bytes(content)
        assert "is no file of results" in refused(str(tmp_path / name))
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"method": ["rs"]}), tmp_path / "y.parquet")
    assert "lacks the column 'space'" in refused(str(tmp_path / "y.parquet"))
    with pytest.raises(UserError, match="must end in"):
        check_suffix(tmp_path / "table.txt")


def test_tables_say_the_same_in_three_formats(confirmed: Confirmed, tmp_path: Path) -> None:
    a = confirmed("a", LOW, HIGH)
    for suffix in ("csv", "md", "tex"):
        write_table(tmp_path / f"t.{suffix}", compared(a))
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [row["method"] for row in rows] == ["darts tuned in cs2", "darts default"]
    assert float(rows[0]["mean"]) == pytest.approx(100 * np.mean(LOW))
    assert float(rows[1]["deviation"]) == pytest.approx(100 * np.std(HIGH, ddof=1), abs=1e-4)
    assert [row["best"] + row["worse_than_best"] for row in rows] == ["10", "01"]
    assert float(rows[1]["p_against_best"]) == pytest.approx(2 / 2**7, rel=1e-3)
    markdown = (tmp_path / "t.md").read_text().splitlines()
    assert markdown[2] == "| darts tuned in cs2 | **1.30 ± 0.22** (7) |"
    assert markdown[3] == "| darts default | 5.60 ± 0.43\\* (7) |"
    latex = (tmp_path / "t.tex").read_text()
    assert "darts tuned in cs2 & \\textbf{1.30 $\\pm$ 0.22} (7) \\\\" in latex
    assert latex.count("\\\\\n") == 3


def test_a_method_is_one_row_over_spaces(confirmed: Confirmed, tmp_path: Path) -> None:
    studies, _ = read_sources([confirmed("a", LOW, HIGH)])
    (space,) = compare_sources(studies, [])
    other = Space(2, space.samples[:1], [], [])
    write_table(tmp_path / "t.md", [space, other])
    lines = (tmp_path / "t.md").read_text().splitlines()
    assert lines[0] == "| method | space 1 | space 2 |"
    assert lines[2].count("1.30") == 2
    assert lines[3].endswith("|  |")
