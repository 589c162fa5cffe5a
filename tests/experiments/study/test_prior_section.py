from pathlib import Path
from typing import Any

import pytest

from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.prior_section import user_prior
from oneshot_hpo.experiments.study.validation import load_study, validated
from oneshot_hpo.hpo.user_prior import UserPrior


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("weak", UserPrior(width=0.5)),
        ("strong", UserPrior(width=0.125)),
        (0.03, UserPrior(width=0.03)),
        (1, UserPrior(width=1.0)),
        (
            {"confidence": "medium", "method": "acquisition"},
            UserPrior(method="acquisition", width=0.25),
        ),
        (
            {"hyperparameters": {"rate": {"value": 0.1, "confidence": "strong"}}},
            UserPrior(values={"rate": 0.1}, widths={"rate": 0.125}),
        ),
        (
            {
                "confidence": "weak",
                "hyperparameters": {"a": {"value": 2}, "b": {"confidence": 0.1}},
            },
            UserPrior(width=0.5, values={"a": 2}, widths={"b": 0.1}),
        ),
        (None, None),
    ],
)
def test_each_way_to_write_it(section: Any, expected: UserPrior | None) -> None:
    assert user_prior(section) == expected


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("sure", "prior must be weak, medium, strong, or a width above 0 and up to 1, not 'sure'"),
        (0, "prior must be weak"),
        (True, "prior must be weak"),
        (2.0, "prior must be weak"),
        ({}, "prior needs a confidence"),
        ({"method": "sampling"}, "prior needs a confidence"),
        ({"confidence": "weak", "method": "both"}, "prior.method must be one of"),
        ({"confidnce": "weak"}, "unknown key 'confidnce' in section prior: .*confidence"),
        ({"hyperparameters": ["rate"]}, "prior needs a confidence"),
        ({"hyperparameters": {"rate": 0.1}}, "prior.hyperparameters.rate must be"),
        ({"hyperparameters": {"rate": {"value": 0.1}}}, "rate needs a confidence"),
        ({"hyperparameters": {"rate": {"confidence": 7}}}, "rate.confidence must be weak"),
        ({"hyperparameters": {"rate": {"val": 7}}}, "unknown key 'val'"),
    ],
)
def test_each_fault_has_a_line(section: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        user_prior(section)


def test_a_study_file_has_it(tmp_path: Path) -> None:
    spec = complete(load_study("quickstart", ["prior=weak"]), "quickstart")
    assert spec.optimizer_settings.user_prior == UserPrior(width=0.5)
    document = spec.model_dump(mode="json")
    assert document["prior"] == "weak"
    assert "user_prior" not in document["bohb"]
    assert validated(document, "again").optimizer_settings == spec.optimizer_settings
    without = complete(load_study("quickstart"), "quickstart")
    assert "prior" not in without.model_dump(mode="json")
    assert without.optimizer_settings.user_prior is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("prior=sure", "quickstart: prior must be weak"),
        (
            "prior.hyperparameters={depth: {value: 1, confidence: weak}}",
            "unknown hyperparameter depth",
        ),
        (
            "prior.hyperparameters={learning_rate: {value: 9, confidence: weak}}",
            "learning_rate cannot",
        ),
        ("bohb.user_prior=1", "unknown key 'user_prior'"),
    ],
)
def test_a_study_is_refused_in_a_line(override: str, words: str) -> None:
    with pytest.raises(StudyFileError, match=words):
        complete(load_study("quickstart", [override]), "quickstart")
