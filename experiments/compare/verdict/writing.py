"""Writes verdicts as an HTML page and as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from oneshot_hpo.experiments.compare.latex import escaped
from oneshot_hpo.experiments.compare.verdict.facts import Fact
from oneshot_hpo.experiments.compare.verdict.verdict import Verdict
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.pages.page import check_replaceable, render, write_page
from oneshot_hpo.whole_files import write_whole


def check_targets(page: Path | None, latex: Path | None) -> None:
    """UserError unless verdicts can be written under these names."""
    if page is not None:
        if page.suffix != ".html":
            raise UserError(f"--page {page}: its name must end in .html")
        check_replaceable(page)
    if latex is not None and latex.suffix != ".tex":
        raise UserError(f"--latex {latex}: its name must end in .tex")
    for option, path in (("--page", page), ("--latex", latex)):
        if path is not None and (not path.parent.is_dir() or path.is_dir()):
            raise UserError(f"{option} {path}: its folder is missing, or it is a folder itself")


def check_compared(verdicts: Sequence[Verdict]) -> None:
    """UserError unless something was compared."""
    if not verdicts:
        raise UserError(
            "--page, --latex: nothing was compared, so there is no verdict: the default stayed the "
            "best, or a single sample was named; name another source"
        )


def page_of(verdicts: Sequence[Verdict]) -> str:
    """The page: the first verdict, and the others below it."""
    return render(
        "oneshot_hpo.experiments.compare.verdict",
        "verdict.html.jinja",
        has_charts=False,
        verdicts=verdicts,
        rows=rows_of,
        version=version("oneshot-hpo"),
    )


def rows_of(facts: Sequence[Fact]) -> list[tuple[str, list[str]]]:
    """Facts by label: the words of equal labels are in one row."""
    return [
        (label, [fact.words for fact in same])
        for label, same in groupby(facts, key=lambda fact: fact.label)
    ]


def latex_of(verdicts: Sequence[Verdict]) -> str:
    """One table a verdict, for booktabs."""
    lines = ["% Verdicts by oneshot-hpo.", "% \\usepackage{booktabs}"]
    for verdict in verdicts:
        lines += ["\\begin{tabular}{lp{0.7\\linewidth}}", "\\toprule"]
        lines.append(f"claim & {escaped(verdict.claim)} \\\\")
        lines.append("\\midrule")
        for label, words in rows_of(verdict.facts):
            lines += _row(label, words)
        lines.append("\\midrule")
        threats = [f"{one.kind}: {one.words}" for one in verdict.threats.found]
        lines += _row("threats to validity", threats or ["none found"])
        absent = ", ".join(verdict.threats.absent)
        lines += _row("looked for, not found", [absent] if absent else ["nothing"])
        unknown = [f"{kind}: {reason}" for kind, reason in verdict.threats.unknown.items()]
        lines += _row("cannot be seen", unknown)
        lines += _row("notes", verdict.notes)
        lines += ["\\bottomrule", "\\end{tabular}", ""]
    return "\n".join(lines)


def _row(label: str, words: Sequence[str]) -> list[str]:
    """A row for each of some words, the label beside the first."""
    heads = [escaped(label), *[""] * (len(words) - 1)]
    return [f"{head} & {escaped(one)} \\\\" for head, one in zip(heads, words, strict=False)]


def write_verdicts(verdicts: Sequence[Verdict], page: Path | None, latex: Path | None) -> None:
    """Write a page, LaTeX or both, each whole or not at all. UserError: a disk refuses."""
    if page is not None:
        write_page(page, page_of(verdicts))
    if latex is not None:
        try:
            write_whole(latex, latex_of(verdicts).encode())
        except OSError as error:
            raise UserError(f"--latex {latex}: cannot be written: {error.strerror}") from None
