"""What a new study takes over from other studies and runs, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.made_study import result_of, run_study

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.evaluations import exported_study, prior_trials
from oneshot_hpo.experiments.exports.hpbandster import write
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.sources import UNUSABLE, Wanted
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.warm_start.taking import take_over
from oneshot_hpo.hpo import BASELINE_ID, Observation

if TYPE_CHECKING:
    from conftest import NewStudy

MOMENTUM = "{base: cs2, add: {momentum: {lower: 0.5, upper: 0.99}}}"
OLD = Path(__file__).parents[1] / "study" / "journals" / "proxylessnas-0.2.jsonl"


def observed(folder: Path) -> list[Observation]:
    """A study's own results, in order."""
    pairs = OpenedStudy(folder).view.evaluations
    return [Observation(trial.config, trial.budget, result.loss) for trial, result in pairs]


def refusal(spec: StudySpec, *folders: Path, as_prior: bool = False) -> str:
    with pytest.raises(UserError) as error:
        take_over(Wanted(folders, as_prior), spec)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_an_added_hyperparameter_has_its_old_value(quickstart: Path, new_study: NewStudy) -> None:
    beginning = take_over(Wanted([quickstart]), new_study(MOMENTUM))
    (source,) = beginning.sources
    assert list(beginning.prior) == [
        Observation(one.config | {"momentum": 0.9}, one.budget, one.loss)
        for one in observed(quickstart)
    ]
    assert any(one.loss is None for one in beginning.prior)
    assert (source.results, source.taken, source.left_out) == (43, 43, {})
    assert (source.added, source.assumed, source.removed) == ({"momentum": 0.9}, {}, [])
    assert source.identity == OpenedStudy(quickstart).identity
    assert not beginning.notes


def test_the_first_proposals_are_the_models_and_a_resumed_study_makes_the_same(
    quickstart: Path, new_study: NewStudy, tmp_path: Path
) -> None:
    from oneshot_hpo.hpo import Study

    spec = new_study(MOMENTUM, "bohb.random_fraction=0")
    beginning = take_over(Wanted([quickstart]), spec)
    with create_study(tmp_path / "new", spec, beginning) as study:
        trials = [study.ask() for _ in range(6)]
        picks = [study.record(trial).info["model_based_pick"] for trial in trials if trial]
        assert picks == [False, *[True] * 5]  # the default, then the model's
        assert study.incumbent is None
        assert trials[0] is not None
        study.tell(trials[0], result_of(trials[0], 0.0, crashed=False))

    with Study.open(tmp_path / "new") as study:
        assert study.pending == trials[1:]
    with create_study(tmp_path / "cold", spec) as study:
        cold = [study.ask() for _ in range(6)]
        assert not any(study.record(trial).info["model_based_pick"] for trial in cold if trial)


def test_what_is_removed_is_dropped_and_what_is_outside_is_counted(
    quickstart: Path, new_study: NewStudy
) -> None:
    space = "{base: cs2, remove: [cutout_prob], learning_rate: {upper: 0.3}}"
    beginning = take_over(Wanted([quickstart]), new_study(space, "max_budget=6"))
    (source,) = beginning.sources
    old = observed(quickstart)
    low = [one for one in old if one.budget <= 6]
    kept = [one for one in low if one.config["learning_rate"] <= 0.3]
    assert source.left_out == {
        "at more than max_budget 6": len(old) - len(low),
        "with learning_rate outside [0.001, 0.3]": len(low) - len(kept),
    }
    assert min(source.left_out.values()) > 0
    assert (source.taken, source.removed) == (len(kept), ["cutout_prob"])
    assert [(one.budget, one.loss) for one in beginning.prior] == [
        (one.budget, one.loss) for one in kept
    ]
    assert all(one.config.keys() == {"learning_rate", "weight_decay"} for one in beginning.prior)


def test_a_wider_range_takes_everything(quickstart: Path, new_study: NewStudy) -> None:
    space = "{base: cs2, weight_decay: {upper: 0.1}}"
    assert list(take_over(Wanted([quickstart]), new_study(space)).prior) == observed(quickstart)


def test_another_searchers_shared_settings_are_taken(quickstart: Path, new_study: NewStudy) -> None:
    beginning = take_over(
        Wanted([quickstart]), new_study("cs2", "searcher=gdas", "search.channels=16")
    )
    (source,) = beginning.sources
    assert source.taken == 43
    assert not source.order_only
    assert source.differs == ["darts, here gdas", "channels 8, here 16"]


def test_a_setting_that_the_other_searcher_lacks_has_the_studys_default(
    quickstart: Path, new_study: NewStudy
) -> None:
    space = "{base: cs2, add: {temperature_start: {lower: 1, upper: 20, default: 5}}}"
    (source,) = take_over(Wanted([quickstart]), new_study(space, "searcher=gdas")).sources
    assert source.assumed == {"temperature_start": 5}
    assert source.added == {}


@pytest.mark.slow
def test_several_sources_in_their_order(
    quickstart: Path, new_study: NewStudy, tmp_path: Path
) -> None:
    other = run_study(tmp_path / "other", "seed=5", "iterations=1")
    beginning = take_over(Wanted([other, quickstart]), new_study("cs2"))
    assert list(beginning.prior) == observed(other) + observed(quickstart)
    assert [source.name for source in beginning.sources] == ["quickstart"] * 2
    assert [source.taken for source in beginning.sources] == [len(observed(other)), 43]
    assert len({source.key for source in beginning.sources}) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"space": 2}, "search space 1, here 2"),
        ({"dataset": "cifar10", "checksums": {}}, "data set digits, here cifar10"),
        ({"dataset": "/my/digits.npz"}, None),
        ({"checksums": {"dataset": "0", "table": "1"}}, "data set digits, here digits; table "),
        ({"table": None, "checksums": {}}, "table digits, here none"),
        ({"objective": "draw"}, "objective mean, here draw"),
    ],
)
def test_losses_of_other_things_need_leave(
    quickstart: Path, new_study: NewStudy, changes: dict[str, Any], words: str | None
) -> None:
    """Data and tables are known by their checksums, wherever they lie."""
    spec = new_study(MOMENTUM).model_copy(update=changes)
    if words is None:
        assert not take_over(Wanted([quickstart]), spec).sources[0].order_only
        return
    message = refusal(spec, quickstart)
    assert message.startswith(f"{quickstart}: its losses cannot be compared with the study's (")
    assert words in message
    (source,) = take_over(Wanted([quickstart], as_prior=True), spec).sources
    assert source.order_only
    assert words in "; ".join(source.differs)


@pytest.mark.slow
def test_another_objective_gives_its_order_alone(
    quickstart: Path, new_study: NewStudy, tmp_path: Path
) -> None:
    """Ranks lie below all budgets at which there are losses, and no export calls them errors."""
    other = run_study(tmp_path / "other", "objective=test_mean", "iterations=3")
    spec = new_study("cs2")
    beginning = take_over(Wanted([other, quickstart], as_prior=True), spec)
    first, second = beginning.sources
    assert (first.order_only, second.order_only) == (True, False)

    ranked, losses = beginning.prior[: first.taken], beginning.prior[first.taken :]
    assert list(losses) == observed(quickstart)
    assert max(one.budget for one in ranked) < min(3, *(one.budget for one in losses))
    old = observed(other)
    for budget in {one.budget for one in old}:
        places = [n for n, one in enumerate(old) if one.budget == budget and one.loss is not None]
        order = np.argsort([old[n].loss for n in places], kind="stable")
        assert np.array_equal(order, np.argsort([ranked[n].loss for n in places], kind="stable"))

    with create_study(tmp_path / "new", spec, beginning) as study:
        study.ask()
    opened = OpenedStudy(tmp_path / "new")
    assert opened.sources == list(beginning.sources)
    assert opened.prior == observed(quickstart)
    assert len(prior_trials(opened)) == 43


@pytest.mark.slow
def test_ranks_guide_proposals_until_losses_suffice(
    quickstart: Path, new_study: NewStudy, tmp_path: Path
) -> None:
    spec = new_study("cs2", "objective=draw", "bohb.random_fraction=0")
    beginning = take_over(Wanted([quickstart], as_prior=True), spec)
    with create_study(tmp_path / "new", spec, beginning) as study:
        generator = study._master.config_generator
        model_budgets = [generator.largest_budget_with_model()]
        while not study.finished:
            trial = study.ask()
            assert trial is not None
            if trial.id != BASELINE_ID and trial.id[0] == 0 and trial.budget == 3:
                assert study.record(trial).info["model_based_pick"]
            study.tell(trial, result_of(trial, 0.0, crashed=False))
            model_budgets.append(generator.largest_budget_with_model())
    assert model_budgets[0] == 1.5, "the largest budget of the ranks: half of the least, 3"
    assert model_budgets == sorted(model_budgets)
    assert model_budgets[-1] == 12, "the study's own results at its largest budget"


def test_an_hpbandster_run_is_adapted_too(
    quickstart: Path, new_study: NewStudy, tmp_path: Path
) -> None:
    write(exported_study(quickstart), tmp_path)
    spec = new_study(MOMENTUM)
    beginning = take_over(Wanted([tmp_path]), spec)
    (source,) = beginning.sources
    assert (source.kind, source.taken, source.identity) == ("hpbandster", 43, None)
    assert source.assumed == {"momentum": 0.9}
    direct = take_over(Wanted([quickstart]), spec)
    assert Counter(map(repr, beginning.prior)) == Counter(map(repr, direct.prior))
    (ranked,) = take_over(Wanted([tmp_path], as_prior=True), spec).sources
    assert ranked.order_only


def test_a_damaged_run_is_refused_or_its_bad_lines_are_left_out_and_named(
    quickstart: Path, new_study: NewStudy, tmp_path: Path
) -> None:
    write(exported_study(quickstart), tmp_path)
    with (tmp_path / "results.json").open("a") as file:
        file.write('[[0, 0, 1], 2.0, {}, {"loss"')
    spec = new_study("cs2")
    assert "results.json, line 44: not JSON" in refusal(spec, tmp_path)
    beginning = take_over(Wanted([tmp_path], skip_bad=True), spec)
    (source,) = beginning.sources
    assert (source.results, source.taken, source.left_out) == (44, 43, {UNUSABLE: 1})
    assert beginning.notes[0].startswith(f"left out: {tmp_path}/results.json, line 44: ")


def test_a_study_of_an_earlier_format_is_read(new_study: NewStudy, tmp_path: Path) -> None:
    """Settings that its version did not know have the values that they had then."""
    folder = tmp_path / "old"
    folder.mkdir()
    shutil.copy(OLD, folder / "journal.jsonl")
    space = "{base: cs2, add: {warmup_share: {lower: 0, upper: 0.9}, stacks: {lower: 1, upper: 3}}}"
    beginning = take_over(Wanted([folder]), new_study(space, "searcher=proxylessnas"))
    (source,) = beginning.sources
    assert (source.results, source.taken) == (4, 4)
    assert source.added == {"stacks": 2, "warmup_share": 0.0}
    assert [one.config["warmup_share"] for one in beginning.prior] == [0] * 4
    assert len(beginning.notes) == 1


def test_what_a_source_began_with_is_not_taken_with_it_and_said(
    quickstart: Path, new_study: NewStudy, tmp_path: Path
) -> None:
    spec = new_study("cs2", "iterations=1")
    second = tmp_path / "second"
    with create_study(second, spec, take_over(Wanted([quickstart]), spec)) as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, result_of(trial, 0.0, crashed=False))
    third = new_study("cs2")
    beginning = take_over(Wanted([second]), third)
    (source,) = beginning.sources
    assert source.taken == 1
    assert [one.name for one in source.sources] == ["quickstart"]
    followed, too_few = beginning.notes
    assert followed == (
        f"note: {second} itself began with results of {quickstart}; they are not taken over "
        "unless --from names these too"
    )
    assert "1 results at one budget are too few for a model of 3 hyperparameters" in too_few
    assert take_over(Wanted([second, quickstart]), third).notes == []


def test_a_study_that_runs_is_read_as_it_is_and_the_user_knows(
    new_study: NewStudy, tmp_path: Path
) -> None:
    spec = new_study("cs2")
    with create_study(tmp_path / "running", spec) as study:
        for _ in range(2):
            trial = study.ask()
            assert trial is not None
            study.tell(trial, result_of(trial, 0.0, crashed=False))
        study.ask()
        beginning = take_over(Wanted([tmp_path / "running"]), spec)
    (source,) = beginning.sources
    assert (source.results, source.taken) == (2, 2)
    words = f"note: {tmp_path / 'running'} still runs: later results are not taken over"
    assert words in beginning.notes
    assert words not in take_over(Wanted([tmp_path / "running"]), spec).notes


def test_sources_that_cannot_be_used_are_refused_on_one_line(
    quickstart: Path, new_study: NewStudy, tmp_path: Path
) -> None:
    spec = new_study("cs2")
    assert "no such folder" in refusal(spec, tmp_path / "none")
    assert "holds neither a study (journal.jsonl) nor an HpBandSter run" in refusal(spec, tmp_path)

    copy = tmp_path / "copy"
    shutil.copytree(quickstart, copy)
    twice = refusal(spec, quickstart, copy)
    assert twice == f"{copy}: it has the same results as {quickstart}: name one of them"

    (tmp_path / "run").mkdir()
    write(exported_study(quickstart), tmp_path / "run")
    assert f"it has the same results as {quickstart}" in refusal(spec, quickstart, tmp_path / "run")

    other = new_study("{momentum: {lower: 0.5, upper: 0.99}}")
    assert "they have no hyperparameter in common" in refusal(other, quickstart)
    narrow = new_study(
        "{base: cs2, weight_decay: {lower: 0.000299, upper: 0.0002999}}",
        "search.weight_decay=0.0002995",
    )
    assert refusal(narrow, quickstart) == (
        f"{quickstart}: none of its 43 results fits the study (43 with weight_decay outside "
        "[0.000299, 0.0003])"
    )

    with create_study(tmp_path / "begun", spec) as study:
        study.ask()
    assert "none of its trials has a result yet" in refusal(spec, tmp_path / "begun")
    (copy / "journal.jsonl").write_text(json.dumps({"event": "header"}) + "\n")
    with pytest.raises(ValueError, match="line 1"):
        take_over(Wanted([copy]), spec)
