"""What a bundle holds, and where.

bundle.json                      studies in their order, versions, SHA-256 of every other file
README.md                        what it is and how to check it
appendix.md, appendix.tex        studies, spaces, seeds, cost, crashes, verdicts, checklist
verdict.tex                      the comparisons of confirmed studies
tables/results.csv, .md, .tex    method by space
figures/*.pdf, *.png
studies/NAME/                    a study: journal.jsonl.xz, confirmation.jsonl.xz, table-rows.json,
                                 study.yaml, results.csv

The journals and the rows of the table are data. All else is made from them, and made again to be
checked. The folder of one study may also lie alone, and is checked in the same way.
"""

from __future__ import annotations

import re

from oneshot_hpo.experiments.confirm.results import RESULTS
from oneshot_hpo.experiments.study.folder import SPECIFICATION
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.search_spaces.rows_file import ROWS

FORMAT = 1
"""Version of the layout."""
MANIFEST = "bundle.json"
README = "README.md"
STUDIES = "studies"
APPENDICES = ("appendix.md", "appendix.tex")

PACKED = ".xz"
JOURNAL = JOURNAL_NAME + PACKED
CONFIRMED = CONFIRMATION_NAME + PACKED
DATA = (JOURNAL, CONFIRMED, ROWS)
"""Files of a study that others are made from."""
MADE = (SPECIFICATION, RESULTS)
"""Files of a study that are made from them."""

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_NAMES = re.compile(
    rf"(bundle\.json|README\.md|appendix\.(md|tex)|verdict\.tex|tables/results\.(csv|md|tex)"
    rf"|figures/{_PART}\.(pdf|png)|{STUDIES}/{_PART}/({'|'.join(map(re.escape, (*DATA, *MADE)))}))"
)


def is_known(name: str) -> bool:
    """Whether a bundle may hold a file of this name."""
    return _NAMES.fullmatch(name) is not None


def names_of(folders: list[str]) -> list[str]:
    """A name in a bundle for each study, by its folder's name; equal ones are numbered."""
    plain = [re.sub(r"[^A-Za-z0-9._-]+", "-", folder).strip("._-")[:60] for folder in folders]
    found: list[str] = []
    for name in plain:
        wanted, number = name or "study", 2
        while wanted in found:
            wanted, number = f"{name or 'study'}-{number}", number + 1
        found.append(wanted)
    return found
