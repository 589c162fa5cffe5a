"""Seeds are added until a rule decides: the same looks however often it is killed, none more."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.confirmed_study import scripted
from support.sequential_confirmation import TUNED, begin, differing, drive
from support.study_commands import called, refused, run

from oneshot_hpo.experiments.compare.comparing import Space, compare
from oneshot_hpo.experiments.compare.display import print_spaces
from oneshot_hpo.experiments.confirm.confirming import confirm_study
from oneshot_hpo.experiments.confirm.until_decided import UntilDecided
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.sample import REGRET
from oneshot_hpo.hpo import Rerun, read_confirmation
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, EVENTS
from oneshot_hpo.hpo.journal.file import read_journal


@pytest.fixture
def study(tiny_study: Path, tmp_path: Path) -> Path:
    """A finished study whose incumbent is its first proposal."""
    scripted(tiny_study, tmp_path / "study").close()
    return tmp_path / "study"


def decisions(folder: Path) -> list[dict[str, Any]]:
    events, _ = read_journal(folder / CONFIRMATION_NAME, EVENTS)
    return [{k: v for k, v in e.items() if k not in ("time", "timestamps")} for e in events]


def text_of(spaces: list[Space]) -> str:
    console = Console(file=io.StringIO(), width=90)
    print_spaces(console, spaces)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_a_large_difference_is_decided_early_and_reported_as_adjusted(study: Path) -> None:
    folder = begin(study)
    drive(folder, differing(1.5))
    view = read_confirmation(folder)
    assert view.finished
    assert [look.decided for look in view.looks][-1]
    seeds = view.looks[-1].seeds
    assert seeds < 30
    assert len(view.evaluations) == 2 * seeds
    (space,) = compare(str(study))
    comparison = space.pairings[0].comparison
    assert comparison.verdict == "better"
    assert view.looks[-1].p_value < comparison.p_value < 0.05  # adjusted
    found = comparison.sequential
    assert found is not None and found.effect is not None and found.effect_interval is not None
    assert 0 < found.effect_interval.low < found.effect < found.effect_interval.high <= 1
    assert found.effect <= comparison.effect + 1e-9
    assert found.shift_interval is not None
    assert 0 < found.shift_interval.low < 0.015 < found.shift_interval.high
    text = text_of([space])
    assert f"darts tuned in cs2 is better than darts default, with {seeds} seeds." in text
    assert (
        f"This was decided by look {len(view.looks)} of 4, at {seeds} seeds of at most 30" in text
    )
    assert "Adjusted for stopping early, the rank-biserial correlation is +" in text
    assert "adjusted for the looks" in text
    assert "more would likely decide" not in text


@pytest.mark.slow
def test_no_difference_uses_all_looks_and_allows_no_more(study: Path) -> None:
    folder = begin(study)
    drive(folder, differing(0.0))
    view = read_confirmation(folder)
    assert view.finished
    assert [(look.seeds, look.decided) for look in view.looks] == [
        (seeds, False) for seeds in (15, 20, 25, 30)
    ]
    text = text_of(compare(str(study)))
    assert "Not shown with 30 seeds" in text
    assert "This ended by look 4 of 4, at 30 seeds of at most 30" in text
    assert "leave --seeds out" in refused("confirm", study, "--seeds", 60)
    assert "cannot be changed now" in refused(
        *("confirm", study, "--until-decided", "--max-seeds", 60)
    )
    before = (folder / CONFIRMATION_NAME).read_bytes()
    ended = called("confirm", study)
    assert ended.returncode == 0, ended.stderr
    assert (folder / CONFIRMATION_NAME).read_bytes() == before


def test_between_looks_results_stay_those_of_the_last_look(study: Path) -> None:
    folder = begin(study)
    drive(folder, differing(0.3), most=10)
    text = text_of(compare(str(study)))
    assert "Not shown with 5 seeds" in text
    assert "The first look is at 15 seeds, of at most 30" in text
    drive(folder, differing(0.3), most=26)
    view = read_confirmation(folder)
    assert [look.seeds for look in view.looks] == [15]
    (space,) = compare(str(study))
    assert space.pairings[0].comparison.pairs == 15  # of 18 that have finished
    assert [len(sample.values) for sample in space.samples] == [15, 15]
    assert space.pairings[0].comparison.p_value > 0.05
    assert "Nothing is decided after look 1 of 4, at 15 seeds; the next look is at 20" in text_of(
        [space]
    )
    alone = compare(f"{study}:{TUNED}", f"{study}:default")[0].pairings[0].comparison
    assert alone.p_value == space.pairings[0].comparison.p_value


@pytest.mark.slow
def test_a_journal_cut_anywhere_ends_with_the_same_looks(study: Path, tmp_path: Path) -> None:
    folder = begin(study, seeds=6, looks=(6, 8, 9))
    drive(folder, differing(0.4))
    content = (folder / CONFIRMATION_NAME).read_bytes()
    whole = decisions(folder)
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")]
    planned = next(k for k, event in enumerate(whole) if event["event"] == "ask")
    looks = [k for k, event in enumerate(whole) if event["event"] == "look"]
    assert len(looks) > 1
    near = {k + step for k in looks for step in range(-2, 3)} | set(range(planned, len(whole), 9))
    for number, place in enumerate(ends[k - 1] for k in sorted(near) if k < len(whole)):
        own = tmp_path / "cut" / str(number)
        own.mkdir(parents=True)
        (own / CONFIRMATION_NAME).write_bytes(content[: place + 7 * (number % 3)])
        drive(own, differing(0.4))
        assert decisions(own) == whole
        shutil.rmtree(own)


def test_crashes_count_as_worst_at_a_look(study: Path) -> None:
    def crashing(run_: Rerun) -> float:
        return float("inf") if run_.setting == TUNED else 0.05

    folder = begin(study, seeds=15)
    drive(folder, crashing)
    view = read_confirmation(folder)
    assert [(look.seeds, look.decided) for look in view.looks] == [(15, True)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--max-seeds", 20), "are for --until-decided"),
        (("--until-decided", "--seeds", 20), "leave --seeds out"),
        (("--until-decided", "--max-seeds", 5), "5 seeds cannot show a difference"),
        (("--until-decided", "--spending", "linear"), "no spending function linear"),
        (
            ("--until-decided", "--setting", "slow", "--set", "search.learning_rate=0.002"),
            "leave --setting out",
        ),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    study: Path, arguments: tuple[object, ...], message: str
) -> None:
    assert message in refused("confirm", study, *arguments)
    assert not (study / "confirm").exists()


def test_a_rule_does_not_follow_runs_that_were_planned_without_one(study: Path) -> None:
    folder = begin(study)
    lines = (folder / CONFIRMATION_NAME).read_bytes().splitlines(keepends=True)
    (folder / CONFIRMATION_NAME).write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(UserError, match="was planned without a rule"):
        confirm_study(Console(), study, None, until_decided=UntilDecided())


@pytest.mark.slow
def test_the_command_confirms_until_it_is_decided(finished_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    shutil.copytree(finished_study, folder)
    words = ("--until-decided", "--max-seeds", 8, "--block", 7, "--workers", 2)
    ended = run("confirm", folder, *words)
    assert ended.returncode == 0, ended.stderr
    assert "the rule" in ended.stdout
    view = read_confirmation(folder / "confirm")
    assert view.finished
    assert view.rule is not None
    assert view.rule.looks[-1] == 8
    compared = called("compare", folder)
    assert compared.returncode == 0, compared.stderr
    assert REGRET.split()[1] in compared.stdout
    assert called("check", folder).returncode == 0
