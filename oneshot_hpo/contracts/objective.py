"""The contract of objectives."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from oneshot_hpo import foreign
from oneshot_hpo.contracts.named import named
from oneshot_hpo.contracts.once import once
from oneshot_hpo.contracts.states import equal_states, global_states
from oneshot_hpo.experiments.errors import is_user_error
from oneshot_hpo.experiments.objectives.objective import (
    Found,
    ObjectiveStopped,
    completed,
    evaluated,
    objective_of,
    settings_of,
)
from oneshot_hpo.experiments.objectives.section import Section, chosen
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import SpaceId, get_space, load_table

_MOST_STOPS = 1000
_BAD_VALUES: tuple[Any, ...] = ("nonsense", math.nan, [], None)


class ObjectiveContract:
    """Losses, seeds, outcomes and settings of an objective.

    objective: as in a study file, a name or {NAME: {SETTING: VALUE}}.
    space, dataset, table: of the study; None for one without data set or table.
    """

    objective: ClassVar[Section]
    space: ClassVar[SpaceId] = 1
    dataset: ClassVar[str | None] = "digits"
    table: ClassVar[str | None] = "digits"

    @pytest.fixture
    def section(self) -> Section:
        """The section, with the name by which this process knows the objective."""
        return _section(self.objective)

    @pytest.fixture
    def found(self) -> list[Found]:
        """Architectures that searches may end with."""
        return once(type(self)._found)

    def test_it_accepts_its_space_and_table(self, section: Section) -> None:
        table = None if self.table is None else load_table(named(self.table))
        objective_of(section).check(get_space(named(self.space)), table)

    def test_every_architecture_has_a_finite_loss(
        self, section: Section, found: list[Found]
    ) -> None:
        """And an outcome that says which architecture it is of, in values that a journal holds."""
        for one in found:
            outcome = _evaluated(section, one)
            assert outcome.document == one.space.to_document(one.architecture)
            assert outcome.key == one.space.key(one.architecture)
            assert json.loads(json.dumps(outcome.to_info(), allow_nan=False)) is not None
            assert isinstance(outcome.loss, float) and math.isfinite(outcome.loss)

    def test_losses_tell_architectures_apart(self, section: Section, found: list[Found]) -> None:
        losses = [_evaluated(section, one).loss for one in found]
        assert len(set(losses)) > 1

    def test_the_trial_s_seed_alone_decides(self, section: Section, found: list[Found]) -> None:
        """No global generator is used, and nothing is kept from one evaluation to the next."""
        for one in found:
            first = _evaluated(section, one)
            before = global_states()
            assert _lasting(_evaluated(section, one)) == _lasting(first)
            assert equal_states(global_states(), before), "a global random generator was used"

    def test_an_evaluation_that_is_stopped_ends_the_same(
        self, section: Section, found: list[Found], tmp_path: Path
    ) -> None:
        """Stopped whenever it asks whether it has to, and called again."""
        whole = _evaluated(section, replace(found[0], folder=tmp_path / "whole"))
        stopped = replace(found[0], folder=tmp_path / "stopped")
        for _ in range(_MOST_STOPS):
            try:
                outcome = evaluated(section, stopped, 3, lambda: True)
            except ObjectiveStopped as stop:
                assert len(str(stop).splitlines()) == 1
            else:
                break
        assert _lasting(outcome) == _lasting(whole)

    def test_a_search_sees_images_of_the_same_classes(
        self, section: Section, found: list[Found]
    ) -> None:
        if self.dataset is not None:
            images = found[0].images
            seen, again = (objective_of(section).search_images(images) for _ in range(2))
            assert seen.classes == images.classes and len(seen.supernet_train) > 0
            assert seen.checksum == again.checksum

    def test_settings_are_written_out_once(self, section: Section) -> None:
        whole = completed(section)
        assert completed(whole) == whole
        assert json.loads(json.dumps(whole)) == whole

    def test_bad_settings_are_refused_by_name_on_one_line(self, section: Section) -> None:
        name, given = chosen(section).name, chosen(section).settings
        known = settings_of(type(objective_of(section)))
        for setting in known:
            for wrong in _BAD_VALUES:
                _check_refused({name: {**given, setting: wrong}}, setting)
        _check_refused({name: {**given, "no_such_setting": 1}}, "no_such_setting")

    @classmethod
    def _found(cls) -> list[Found]:
        space, rng = get_space(named(cls.space)), np.random.default_rng(0)
        dataset, table = (None if one is None else named(one) for one in (cls.dataset, cls.table))
        found = {space.key(one): one for one in (space.sample(rng) for _ in range(9))}
        return [
            Found(space=space, architecture=one, table=table, dataset=dataset)
            for one in list(found.values())[:3]
        ]


def _section(written: Section) -> Section:
    if isinstance(written, str):
        return named(written)
    return {named(name): settings for name, settings in written.items()}


def _evaluated(section: Section, found: Found) -> Outcome:
    return evaluated(section, found, 3, lambda: False)


def _lasting(outcome: Outcome) -> Mapping[str, Any]:
    """What an outcome says, but how long it took."""
    return {**outcome.to_info(), "loss": outcome.loss}


def _check_refused(section: Section, setting: str) -> None:
    """Fail unless a section is refused as a user's fault, on one line that names the setting."""
    try:
        objective_of(section)
    except Exception as error:
        assert is_user_error(error), f"{type(error).__name__} is no error of the user's"
        assert len(str(error).splitlines()) == 1 and setting in str(error), str(error)
    else:
        pytest.fail(f"{foreign.label_of(str(section))} is accepted")
