"""The page's drawing and table of the studies with whose results a study began."""

from __future__ import annotations

import re
from pathlib import Path

from support.page_study import DIGITS

from oneshot_hpo.experiments.report import lineage, origin
from oneshot_hpo.experiments.report.reporting import write_report
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.sources import Beginning, Source
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Observation

ROOT = Source(kind="hpbandster", folder="/r", name="root", checksum="0", results=9, taken=9)
FIRST = Source(
    **{"kind": "study", "folder": "/a b", "name": "<first>", "identity": "1", "checksum": "f" * 64},
    **{"results": 5, "taken": 1, "left_out": {"with momentum outside [0, 1]": 4}},
    **{"added": {"momentum": 0.9}, "sources": [ROOT]},
)
SECOND = Source(
    **{"kind": "study", "folder": "/c", "name": "second", "identity": "2", "results": 2},
    **{"taken": 1, "order_only": True, "differs": ["table a, here b"], "sources": [FIRST, ROOT]},
)


def begun(folder: Path, study_file: Path, *sources: Source) -> OpenedStudy:
    spec = freeze(complete(load_study(str(study_file), DIGITS), "made"))
    config = dict(spec.configuration_space().get_default_configuration())
    prior = [Observation(config, 1, 0.25)] * len(sources)
    with create_study(folder, spec, Beginning(prior, sources) if sources else None):
        return OpenedStudy(folder)


def test_the_drawing_has_each_study_once_and_an_arrow_for_each_taking(
    tmp_path: Path, tiny_study: Path
) -> None:
    found = lineage.read(begun(tmp_path / "new", tiny_study, FIRST, SECOND))
    assert found is not None
    boxes = re.findall(r'<rect x="([\d.]+)".*?<text[^>]*>([^<]*)</text>', found.drawing)
    columns = {name: float(x) for x, name in boxes}
    assert len(boxes) == 4
    order = ["root", "&lt;first&gt;", "second", "tiny"]
    assert sorted(columns, key=lambda name: columns[name]) == order
    arrows = re.findall(r'<text class="kind"[^>]*>([\d][^<]*)</text>', found.drawing)
    assert sorted(arrows) == ["1 of 2, order", "1 of 5", "1 of 5", "9 of 9", "9 of 9"]
    assert "tiny began with 1 of 5 results of &lt;first&gt;" in found.drawing


def test_the_table_says_what_was_taken_and_what_was_not(tmp_path: Path, tiny_study: Path) -> None:
    found = lineage.read(begun(tmp_path / "new", tiny_study, FIRST, SECOND))
    assert found is not None
    first, second = ([cell.text for cell in row.cells] for row in found.table.rows)
    assert first == [
        *("<first>", "study", "5", "1", "as they are", "4 with momentum outside [0, 1]"),
        *("added, with its setting there: momentum 0.9", "f" * 12, "/a b"),
    ]
    assert second[4:7] == ["order only", "", "different there: table a, here b"]
    assert found.notes[0].startswith("By order only: in place of each loss")


def test_the_page_shows_it_and_repeats_it(tmp_path: Path, tiny_study: Path) -> None:
    study = begun(tmp_path / "new", tiny_study, FIRST, SECOND)
    page = write_report(study.folder, []).read_text()
    assert '<section id="lineage">' in page
    assert '<svg class="lineage"' in page
    assert "<first>" not in page
    assert origin.read(study).commands == [
        "oneshot-hpo launch study.yaml --dir new-again --from '/a b' --from /c --as-prior"
    ]


def test_a_study_that_began_with_nothing_has_no_lineage(tmp_path: Path, tiny_study: Path) -> None:
    study = begun(tmp_path / "new", tiny_study)
    assert lineage.read(study) is None
    assert '<section id="lineage">' not in write_report(study.folder, []).read_text()
