"""The contract of search spaces."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from oneshot_hpo.contracts.named import named
from oneshot_hpo.contracts.once import once
from oneshot_hpo.search_spaces import (
    Architecture,
    EnumerableSpace,
    InvalidArchitecture,
    SearchSpace,
    SpaceId,
    get_space,
)
from oneshot_hpo.search_spaces.choices import OPERATION, PARENTS

_SAMPLES = 40
_WRONG_VALUES: tuple[Any, ...] = (None, 1, "nonsense", [], [["nonsense"]], {})


class SearchSpaceContract:
    """Choices, keys, documents, drawing, decoding, neighbours and numbering of a space.

    space: its name in a study file.
    isomorphic: pairs of architectures that share a key, as `SearchSpace.parse` reads them.
    different: pairs that do not.
    """

    space: ClassVar[SpaceId]
    isomorphic: ClassVar[Sequence[tuple[str, str]]] = ()
    different: ClassVar[Sequence[tuple[str, str]]] = ()

    @classmethod
    def load(cls) -> SearchSpace:
        """The space under test; overridden for one that has no name."""
        return get_space(named(cls.space))

    @pytest.fixture
    def opened(self) -> SearchSpace:
        """The space, loaded once."""
        return once(type(self).load)

    @pytest.fixture
    def drawn(self, opened: SearchSpace) -> list[Architecture]:
        """Architectures of the space."""
        rng = np.random.default_rng(0)
        return [opened.sample(rng) for _ in range(_SAMPLES)]

    def test_its_name_fits_into_file_names(self, opened: SearchSpace) -> None:
        assert re.fullmatch(r"\w[\w.-]*", opened.name, re.ASCII)
        assert re.fullmatch(r"\w[\w.-]*", opened.family, re.ASCII)
        assert len(opened.title.splitlines()) == 1

    def test_choices_have_names_of_their_own_and_something_to_pick(
        self, opened: SearchSpace
    ) -> None:
        _check_distinct([choice.name for choice in opened.choices])
        _check_distinct(list(opened.operations))
        for choice in opened.choices:
            _check_distinct(list(choice.candidates))
            assert choice.kind in (OPERATION, PARENTS)
            assert choice.groups is None or len(choice.groups) == len(choice.candidates)
            assert choice.ways, f"nothing can be picked in {choice.name}"

    def test_drawing_follows_the_generator(self, opened: SearchSpace) -> None:
        one, same, other = (
            [opened.sample(rng) for _ in range(_SAMPLES)]
            for rng in map(np.random.default_rng, (3, 3, 4))
        )
        assert one == same
        assert one != other
        for architecture in one:
            opened.check(architecture)

    def test_keys_are_texts_that_an_architecture_decides(
        self, opened: SearchSpace, drawn: list[Architecture]
    ) -> None:
        for architecture in drawn:
            key = opened.key(architecture)
            assert isinstance(key, str) and key
            assert opened.key(Architecture(architecture.picks)) == key
        assert len({opened.key(architecture) for architecture in drawn}) > 1

    def test_keys_are_equal_for_isomorphic_architectures_alone(self, opened: SearchSpace) -> None:
        for one, other in self.isomorphic:
            assert opened.key(opened.parse(one)) == opened.key(opened.parse(other))
        for one, other in self.different:
            assert opened.key(opened.parse(one)) != opened.key(opened.parse(other))

    def test_documents_and_texts_are_read_back(
        self, opened: SearchSpace, drawn: list[Architecture]
    ) -> None:
        """To an architecture with the same key and the same document."""
        for architecture in drawn:
            document = opened.to_document(architecture)
            text = opened.text(architecture)
            assert len(text.splitlines()) == 1
            for read in (
                opened.from_document(json.loads(json.dumps(document))),
                opened.parse(text),
            ):
                opened.check(read)
                assert opened.key(read) == opened.key(architecture)
                assert opened.to_document(read) == document

    def test_what_is_no_architecture_is_refused_on_one_line(
        self, opened: SearchSpace, drawn: list[Architecture]
    ) -> None:
        document = opened.to_document(drawn[0])
        wrong: list[dict[str, Any]] = [{}, {"nonsense": 1}]
        for name, right in document.items():
            wrong.append({key: value for key, value in document.items() if key != name})
            wrong += [document | {name: value} for value in _WRONG_VALUES if value != right]
        for changed in wrong:
            _check_refused(opened.from_document, changed)

        for text in ("", "nonsense", "{}", "[1]", opened.text(drawn[0])[:-2]):
            _check_refused(opened.parse, text)
        for picks in ((), (*drawn[0].picks, (0,)), tuple((999,) for _ in drawn[0].picks)):
            _check_refused(opened.check, Architecture(picks))

    def test_strengths_are_decoded_to_architectures(
        self, opened: SearchSpace, drawn: list[Architecture]
    ) -> None:
        """Also equal ones; those that favour an architecture to that one."""
        rng = np.random.default_rng(1)
        opened.check(opened.decode([np.zeros(len(choice.candidates)) for choice in opened.choices]))
        for wanted in drawn:
            strengths = [rng.normal(size=len(choice.candidates)) for choice in opened.choices]
            opened.check(opened.decode(strengths))
            for values, pick in zip(strengths, wanted.picks, strict=True):
                values[list(pick)] += 100
            assert opened.decode(strengths) == wanted

    def test_neighbours_differ_in_one_candidate_of_one_choice(
        self, opened: SearchSpace, drawn: list[Architecture]
    ) -> None:
        for architecture in drawn[:3]:
            near = opened.neighbours(architecture)
            assert near and len(set(near)) == len(near)
            for other in near:
                opened.check(other)
                moved = [
                    len(set(old) ^ set(new))
                    for old, new in zip(architecture.picks, other.picks, strict=True)
                ]
                assert sorted(moved)[-2:] in ([0, 2], [2]), "one candidate for another"
            assert architecture in opened.neighbours(near[0])

    def test_configurations_of_a_config_space_are_architectures(self, opened: SearchSpace) -> None:
        one, same = (
            opened.configuration_space(seed).sample_configuration(_SAMPLES) for seed in (5, 5)
        )
        assert [dict(values) for values in one] == [dict(values) for values in same]
        for values in one:
            opened.check(opened.from_configuration(dict(values)))

    def test_people_are_shown_lines_and_a_graph(
        self, opened: SearchSpace, drawn: list[Architecture]
    ) -> None:
        for architecture in drawn[:5]:
            lines = opened.lines(architecture)
            assert lines and all(len(line.splitlines()) == 1 for line in lines)
            drawing = opened.drawing(architecture)
            if drawing is not None:
                assert list(drawing.edges) == sorted(set(drawing.edges))
                assert all(0 <= a < b < len(drawing.labels) for a, b in drawing.edges)

    def test_numbers_and_architectures_are_inverse(
        self, opened: SearchSpace, drawn: list[Architecture]
    ) -> None:
        if not isinstance(opened, EnumerableSpace):
            pytest.skip(f"the architectures of {opened.title} are not numbered")
        assert opened.num_cells <= opened.num_configurations
        for architecture in drawn:
            number = opened.configuration(architecture)
            assert opened.architecture(number) == architecture
            cell = opened.cell_index(architecture)
            first = opened.architecture(int(opened.unique.first[cell]))
            assert opened.key(first) == opened.key(architecture)
        cells = {opened.cell_index(architecture) for architecture in drawn}
        assert len(cells) == len({opened.key(architecture) for architecture in drawn})
        for number in (-1, opened.num_configurations):
            with pytest.raises(ValueError, match=r"^[^\n]+$"):
                opened.architecture(number)


def _check_distinct(names: list[str]) -> None:
    assert names and all(isinstance(name, str) and name for name in names)
    assert len(set(names)) == len(names), names


def _check_refused(function: Any, argument: Any) -> None:
    """Fail unless an argument is refused as no architecture, on one line."""
    try:
        function(argument)
    except InvalidArchitecture as error:
        assert len(str(error).splitlines()) == 1, f"the message has several lines: {error}"
    except Exception as error:
        pytest.fail(f"{argument!r} is refused by {type(error).__name__}, not InvalidArchitecture")
    else:
        pytest.fail(f"{argument!r} is accepted")
