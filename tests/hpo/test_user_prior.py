"""Studies whose user says what is likely to be good."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.toy_study import create, decisions, drive, toy_result, toy_settings

from oneshot_hpo import hpo
from oneshot_hpo.hpo.user_prior import UserPrior
from oneshot_hpo.hpo.verify import differences

STRONG = UserPrior(width=0.05, values={"rate": 0.01})
WEIGHING = UserPrior(method="acquisition", width=0.05, values={"rate": 0.01})


def run(folder: Path, prior: UserPrior | None, **changes: Any) -> list[dict[str, Any]]:
    with create(folder, user_prior=prior, **changes) as study:
        drive(study, workers=4)
    return [event for event in decisions(folder) if event["event"] == "ask"]


def away(asks: list[dict[str, Any]]) -> float:
    """Median distance of the first picks' rates from 0.01, in decades."""
    rates = [ask["config"]["rate"] for ask in asks[1:20]]
    return float(np.median(np.abs(np.log10(rates) + 2)))


def drawn_from(asks: list[dict[str, Any]], brackets: list[int]) -> Counter[str]:
    """Where the new configurations of some brackets come from."""
    new = {tuple(ask["id"]): ask["info"] for ask in asks if ask["id"][0] in brackets}
    return Counter(info["drawn_from"] for info in new.values())


@pytest.mark.slow
def test_random_picks_come_from_the_prior(tmp_path: Path) -> None:
    asks = run(tmp_path / "with", STRONG, random_fraction=1.0, iterations=12)
    without = run(tmp_path / "without", None, random_fraction=1.0, iterations=12)
    assert away(asks) < 0.6 * away(without)
    assert "drawn_from" not in json.dumps(without)

    # The last brackets of each cycle start on a higher rung, with fewer uniform picks.
    high, low = drawn_from(asks, [2, 5, 8, 11]), drawn_from(asks, [0, 3, 6, 9])
    assert high["uniform"] / high.total() < low["uniform"] / low.total()


@pytest.mark.slow
def test_a_prior_that_is_refuted_gives_way_to_neighbours_of_the_best(tmp_path: Path) -> None:
    far = UserPrior(width=0.25, values={"rate": 1.0})
    with create(tmp_path, user_prior=far, random_fraction=1.0, iterations=12) as study:
        while (trial := study.ask()) is not None:
            study.tell(trial, hpo.TrialResult(float(np.log10(trial.config["rate"]) + 4)))
    asks = [event for event in decisions(tmp_path) if event["event"] == "ask"]
    assert set(drawn_from(asks, [0])) == {"uniform", "prior"}
    late = drawn_from(asks, list(range(6, 12)))
    assert late["neighbours"] > late["prior"]


@pytest.mark.slow
def test_on_the_acquisition_it_changes_proposals_of_the_model_alone(tmp_path: Path) -> None:
    asks = run(tmp_path / "with", WEIGHING, iterations=20)
    without = run(tmp_path / "without", None, iterations=20)
    first = next(i for i, ask in enumerate(without) if ask["info"]["model_based_pick"])
    assert asks[:first] == without[:first]
    assert asks[first:] != without[first:]

    def mean(events: list[dict[str, Any]]) -> float:
        rates = [e["config"]["rate"] for e in events if e["info"]["model_based_pick"]]
        return float(np.mean(np.abs(np.log10(rates) + 2)))

    assert mean(asks) < mean(without)


@pytest.mark.slow
@pytest.mark.parametrize("prior", [STRONG, WEIGHING], ids=["sampling", "acquisition"])
def test_a_study_killed_at_any_event_decides_the_same(tmp_path: Path, prior: UserPrior) -> None:
    whole = tmp_path / "whole"
    run(whole, prior, iterations=5)
    lines = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    assert differences(whole) == []

    for end in range(1, len(lines), 9):
        cut = tmp_path / f"cut-{end}"
        cut.mkdir()
        (cut / "journal.jsonl").write_bytes(b"".join(lines[:end]))
        with hpo.Study.open(cut) as study:
            assert study.settings.user_prior == prior
            for event in decisions(whole)[end:]:
                if event["event"] == "ask":
                    trial = study.ask()
                    assert trial is not None
                    assert [list(trial.id), trial.config] == [event["id"], event["config"]]
                else:
                    key = tuple(event["id"]), event["budget"]
                    pending = {(one.id, one.budget): one for one in study.pending}
                    study.tell(pending[key], toy_result(pending[key]))
        assert decisions(cut) == decisions(whole)


def test_the_header_has_it_and_none_is_the_default(tmp_path: Path) -> None:
    create(tmp_path / "with", user_prior=STRONG).close()
    header = json.loads((tmp_path / "with" / "journal.jsonl").read_text().splitlines()[0])
    assert header["optimizer"]["user_prior"] == {
        "method": "sampling",
        "width": 0.05,
        "values": {"rate": 0.01},
        "widths": {},
    }
    assert header["prior"] == []  # observations of an earlier run are another thing
    assert toy_settings().user_prior is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user_prior": {"width": 0}}, "user_prior.width must be"),
        ({"user_prior": {"method": "both"}}, "user_prior.method must be one of sampling, acq"),
        ({"user_prior": {"widths": {"rate": 2}}}, "user_prior.widths.rate must be"),
        ({"user_prior": STRONG, "generator": "hpbandster"}, "generator must be vectorised"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(hpo.InvalidSettings, match=words):
        toy_settings(**changes)


def test_a_prior_that_does_not_fit_the_space_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(hpo.InvalidSettings, match="unknown hyperparameter depth"):
        create(tmp_path / "new", user_prior=UserPrior(width=0.1, values={"depth": 3}))
    assert not (tmp_path / "new" / "journal.jsonl").exists()
