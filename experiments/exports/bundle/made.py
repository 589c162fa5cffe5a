"""All that a bundle says, made from its data alone: exporting and checking make the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from oneshot_hpo.experiments.compare.comparing import Space, compare_sources
from oneshot_hpo.experiments.compare.sources import Study, confirmed_study
from oneshot_hpo.experiments.compare.tables import SUFFIXES, table_of
from oneshot_hpo.experiments.compare.verdict.verdict import Verdict, verdicts
from oneshot_hpo.experiments.compare.verdict.writing import latex_of
from oneshot_hpo.experiments.exports.bundle.appendix import TITLE, appendix
from oneshot_hpo.experiments.exports.bundle.document import latex, markdown
from oneshot_hpo.experiments.exports.bundle.layout import README, STUDIES
from oneshot_hpo.experiments.exports.bundle.stage import made_of
from oneshot_hpo.experiments.numbers.sources import sources_of
from oneshot_hpo.experiments.study.opened import OpenedStudy

_README = """\
# Studies of oneshot-hpo

A bundle: data, and nothing that runs. `oneshot-hpo check` on this file, or on the folder that it
was unpacked into, replays every decision, compares every result with the rows of its table, and
makes every table, sentence and figure again.

- `studies/NAME/`: `journal.jsonl.xz` has every decision and result, `confirmation.jsonl.xz` the
  searches with fresh seeds, `table-rows.json` the rows of the table that they name, `study.yaml`
  every setting, `results.csv` every confirming search. Epoch records and checkpoints are not here.
- `appendix.md`, `appendix.tex`: spaces, budgets, seeds, cost, crashes, verdicts, a checklist.
- `verdict.tex`, `tables/`, `figures/`: for a paper.
- `bundle.json`: versions, and the checksum of every file.

Studies: {names}.
"""


@dataclass
class Drawn:
    """Figures, as files by name."""

    files: dict[str, bytes] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    """Names of figures that are not there, with the reason."""

    @property
    def names(self) -> list[str]:
        """Names of figures without suffix."""
        return sorted({name.rpartition(".")[0].rpartition("/")[2] for name in self.files})


def drawn(studies: Sequence[OpenedStudy], on_figure: Callable[[str], None]) -> Drawn:
    """Every figure of some studies, as `oneshot-hpo figures` draws them."""
    from oneshot_hpo.experiments.figures.making import make_figures

    with TemporaryDirectory() as folder:
        made = make_figures(sources_of(studies), Path(folder), on_figure)
        files = {f"figures/{path.name}": path.read_bytes() for path in Path(folder).iterdir()}
    left_out = {name: _without_places(reason, studies) for name, reason in made.left_out.items()}
    return Drawn(files, left_out)


def _without_places(words: str, studies: Sequence[OpenedStudy]) -> str:
    """Words about studies, with their names instead of the folders that they lie in for now."""
    for study in studies:
        words = words.replace(str(study.folder), study.source)
    return words


def written(studies: Sequence[OpenedStudy], figures: Drawn) -> dict[str, bytes]:
    """Every other file of a bundle that is made from its data, by name.

    UserError: the studies are of different tables, or not of one kind of numbers.
    """
    found = {
        f"{STUDIES}/{study.source}/{name}": content
        for study in studies
        for name, content in made_of(study).items()
    }

    confirmed, spaces, said = _compared(studies)
    if confirmed:
        for suffix in SUFFIXES:
            found[f"tables/results{suffix}"] = table_of(spaces, suffix).encode()
    if said:
        found["verdict.tex"] = latex_of(said).encode()

    blocks = appendix(studies, said, figures.names, figures.left_out)
    found["appendix.md"] = markdown(TITLE, blocks).encode()
    found["appendix.tex"] = latex(TITLE, blocks).encode()
    found[README] = _README.format(names=", ".join(study.source for study in studies)).encode()
    return found


def _compared(
    studies: Sequence[OpenedStudy],
) -> tuple[list[Study], list[Space], list[Verdict]]:
    """The comparisons of the studies that have a confirmation with results."""
    confirmed = [
        confirmed_study(study, all_crashed=True)
        for study in studies
        if study.confirmation is not None and _has_results(study)
    ]
    spaces = compare_sources(confirmed, []) if confirmed else []
    return confirmed, spaces, verdicts(spaces, confirmed)


def _has_results(study: OpenedStudy) -> bool:
    """Whether a run of each setting to compare has finished."""
    own = study.confirmation
    assert own is not None
    wanted = {own.tuned, *(name for name in ("default",) if name in own.settings)}
    return None not in wanted and all(own.results_of(str(name)) for name in wanted)
