"""What journals say about where a study's first results come from, of every version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.report import origin
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.sources import Beginning, Source, sources_of, with_losses
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Observation
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.journal.line import sealed

FIRST = Source(kind="study", folder="/a", name="a", identity="1", results=5, taken=2)
RUN = Source(
    **{"kind": "hpbandster", "folder": "/b", "name": "b", "results": 3, "taken": 1},
    **{"left_out": {"at more than max_budget 4": 2}, "order_only": True, "sources": [FIRST]},
)


def header(*sources: Source) -> dict[str, Any]:
    return {"sources": [json.loads(source.model_dump_json()) for source in sources]}


def test_sources_are_read_as_they_were_written() -> None:
    assert sources_of(header(FIRST, RUN), 3, "j") == [FIRST, RUN]
    assert sources_of({}, 0, "j") == []


def test_what_a_later_version_adds_is_ignored() -> None:
    document = header(FIRST)
    document["sources"][0]["colour"] = "green"
    assert sources_of(document, 2, "j") == [FIRST]


def test_the_run_of_an_earlier_version_is_a_source(tmp_path: Path, tiny_study: Path) -> None:
    """Its header named the folder and counted lines, and its commands still repeat it."""
    spec = freeze(complete(load_study(str(tiny_study)), "made"))
    config = dict(spec.configuration_space().get_default_configuration())
    prior = [Observation(config, 1, 0.5)] * 2
    with create_study(tmp_path, spec, Beginning(prior)) as study:
        assert study.prior == prior
    (event, *_), _ = read_journal(tmp_path / "journal.jsonl")
    del event["study"]["sources"]
    event["study"] |= {"prior_from": "/runs/old", "prior_left_out": 3}
    (tmp_path / "journal.jsonl").write_bytes(sealed(event))

    opened = OpenedStudy(tmp_path)
    (source,) = opened.sources
    assert (source.kind, source.folder, source.name) == ("hpbandster", "/runs/old", "old")
    assert (source.results, source.taken, source.exact) == (5, 2, True)
    assert opened.prior == prior
    repeated = origin.read(opened)
    assert repeated.machine["warm start"] == (
        "2 results of /runs/old, without 3 lines that could not be used"
    )
    assert repeated.commands[0].startswith("oneshot-hpo import /runs/old study.yaml --dir ")
    assert repeated.commands[0].endswith(" --skip-bad")


@pytest.mark.parametrize(
    ("document", "prior"),
    [
        ({"sources": [{"kind": "study"}]}, 0),
        ({"sources": 3}, 0),
        ({"sources": [3]}, 0),
        (header(FIRST), 3),
    ],
)
def test_sources_that_make_no_sense_are_one_line(document: dict[str, Any], prior: int) -> None:
    with pytest.raises(UserError) as error:
        sources_of(document, prior, "journal.jsonl")
    assert str(error.value).startswith("journal.jsonl: sources of the header")
    assert "\n" not in str(error.value)


def test_ranks_are_no_losses() -> None:
    prior = [Observation({}, 1, 0.1 * number) for number in range(3)]
    assert with_losses(prior, [FIRST, RUN]) == prior[:2]
    assert with_losses(prior, [RUN, FIRST]) == prior[1:]
    assert with_losses(prior, []) == prior
