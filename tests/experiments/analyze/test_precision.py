"""Precision among the best and the worst, and errors of a table after its budgets."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra figures")

from support.study_commands import run

from oneshot_hpo.experiments.analyze import precision, ranks
from oneshot_hpo.experiments.analyze.sample import mean_test_errors, shared_sample
from oneshot_hpo.experiments.analyze.targets import TEST, Target, read_targets
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import MissingCell, get_space, load_table

SPACE = get_space(1)
N = 400


def weights(cells=N):
    return ranks.resamples(cells, np.random.default_rng(0))


def test_equal_values_count_as_in_the_mean_over_all_orders():
    ranking = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 2.0])
    errors = np.array([3.0, 1.0, 1.0, 1.0, 0.0, 5.0])

    def first(values, order, count):
        return set(sorted(range(6), key=lambda cell: (values[cell], order[cell]))[:count])

    orders = list(itertools.permutations(range(6)))
    for share, count in ((1 / 3, 2), (2 / 3, 4)):
        one = np.mean(
            [[cell in first(ranking, order, count) for cell in range(6)] for order in orders], 0
        )
        two = np.mean(
            [[cell in first(errors, order, count) for cell in range(6)] for order in orders], 0
        )
        found = ranks.precision(ranking, errors, share)
        assert found == pytest.approx([(one * two).sum() / count])


def test_a_resample_has_the_precision_of_its_cells():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=60), rng.integers(9, size=60).astype(float)
    drawn = ranks.resamples(60, rng)[:20]
    rows = [np.repeat(np.arange(60), row.astype(int)) for row in drawn]
    for share in (0.05, 0.5):
        wanted = [ranks.precision(x[row], y[row], share)[0] for row in rows]
        assert ranks.precision(x, y, share, drawn) == pytest.approx(wanted)


@pytest.mark.slow
def test_perfect_blind_and_inverse_supernets():
    errors = np.random.default_rng(1).permutation(N) / N

    def of(scores):
        return precision.precision_of([scores] * 3, errors, weights())

    perfect, blind, inverse = of(errors + 0.1), of(np.ones(N)), of(-errors)
    for key in itertools.product(precision.SIDES, precision.SHARES):
        assert perfect.found[key].value == 1
        assert blind.found[key].value == pytest.approx(blind.chance[key[1]])
        assert inverse.found[key].value == 0
    assert perfect.chance == {0.01: 0.01, 0.1: 0.1, 0.5: 0.5}
    for found in (perfect, blind, inverse):
        assert {one.sign for one in found.worst_less_best.values()} == {0}


@pytest.mark.slow
@pytest.mark.parametrize("side", precision.SIDES)
def test_a_supernet_that_knows_one_side_alone_is_found_out(side):
    """Scores that are the errors on one half of the cells, and of one value on the other."""
    errors = np.random.default_rng(1).permutation(N) / N
    knows = np.maximum(errors, 0.5) if side == "worst" else np.minimum(errors, 0.5)
    found = precision.precision_of([knows] * 3, errors, weights())
    sign = 1 if side == "worst" else -1
    assert found.worst_less_best[0.1].sign == sign
    assert found.found[side, 0.1].value == 1
    other = "best" if side == "worst" else "worst"
    assert found.found[other, 0.1].value == pytest.approx(
        0.2, abs=0.002
    )  # 40 of 200 that are equal
    said = " ".join(precision.sentences("T", found))
    words = {"worst": "bad cells are found better", "best": "good cells are found better"}
    assert words[side] in said

    (first, *_, last) = precision.rows(1, "darts", 12, found)
    assert (first["quantity"], first["share"]) == ("best", 0.01)
    assert last["value"] == found.tenth_less_hundredth.value


@pytest.mark.slow
def test_good_cells_that_are_mixed_up_among_themselves():
    """The best 10 % are known to the last one, which of them are the best 1 % is not."""
    errors = np.random.default_rng(1).permutation(N) / N
    mixed = np.where(errors < 0.1, np.random.default_rng(2).uniform(0, 0.1, N), errors)
    found = precision.precision_of([mixed] * 3, errors, weights())
    assert found.found["best", 0.1].value == 1
    assert found.found["best", 0.01].value < 0.6
    assert found.tenth_less_hundredth.sign == 1
    assert "the best 10 % are found better than the best 1 %" in precision.sentences("T", found)[-1]


def test_errors_that_ranks_are_compared_with():
    table = load_table("digits")
    sample = shared_sample(table, SPACE, "50", 0)
    targets = read_targets("test,valid")
    assert targets == [TEST, Target("valid")]
    assert TEST.errors(table, SPACE, sample) == pytest.approx(sample.test_errors)
    valid = targets[1].errors(table, SPACE, sample)
    for number, error in zip(sample.configurations.tolist(), valid, strict=True):
        entry = table.query(SPACE.cell(SPACE.architecture(number)))
        assert error == pytest.approx(entry.valid_error)

    largest = table.budgets[-1]
    (named,) = read_targets(f"valid@{largest}")
    assert named.errors(table, SPACE, sample) == pytest.approx(valid)
    assert (named.key, named.words) == (
        f"valid@{largest}",
        f"validation error after {largest} epochs",
    )
    with pytest.raises(MissingCell, match="has budgets"):
        read_targets("valid@7777")[0].errors(table, SPACE, sample)
    for wrong in ("train", "valid@", "valid@x", "test@-1"):
        with pytest.raises(UserError, match="--against"):
            read_targets(wrong)


def test_cells_among_the_best_of_a_space():
    table = load_table("digits")
    best = shared_sample(table, SPACE, "60", 0, among=100)
    bound = np.sort(mean_test_errors(table, SPACE))[99]
    assert len(best) == 60
    assert best.test_errors.max() <= bound
    assert shared_sample(table, SPACE, "60", 0).test_errors.max() > bound
    assert len(shared_sample(table, SPACE, "60", 0, among=20)) == 20


@pytest.mark.slow
def test_the_commands(tmp_path, table_file):
    out = tmp_path / "analyses"
    sets = ("search.channels=2", "search.stacks=2", "search.batch_size=128")
    common = ["--dir", out, "--table", table_file, "--cells", "24", "--supernets", 1]
    common += ["--epochs", 2, *(word for one in sets for word in ("--set", one))]
    ended = run("analyze", "precision", *common, "--workers", 1)
    assert ended.returncode == 0, ended.stderr
    assert "of the 10 % of 24 cells that are ranked first" in ended.stdout
    assert {path.suffix for path in out.glob("precision.*")} == {".csv", ".pdf", ".png", ".txt"}

    several = ("--against", "test,valid", "--after", "2", "--searcher", "random_ws")
    ended = run("analyze", "correlation", *common, *several, "--among", 30)
    assert ended.returncode == 0, ended.stderr
    assert "ranks of 24 of the 30 best cells by the supernet's error" in ended.stdout
    with Path(out / "correlation_best30.csv").open() as file:
        assert [row["against"] for row in csv.DictReader(file)] == ["test", "valid"]
