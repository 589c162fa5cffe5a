"""The command `oneshot-hpo compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Confirmed studies (DIR), one setting of one (DIR:NAME, DIR:default), results of "
            "baselines (FILE.parquet, or FILE.parquet:METHOD). The first is compared with each.",
        ),
    ],
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also a table, method by space: .csv, .md or .tex (booktabs)."
        ),
    ] = None,
    at_equal: Annotated[
        str,
        typer.Option(
            "--at-equal",
            metavar="WHAT",
            help="What baselines have as much of as the first study: evaluations; seconds, of "
            "search and of training each cell found; search-seconds.",
        ),
    ] = "evaluations",
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Also a page: the claim, its evidence, its cost, threats to its validity.",
        ),
    ] = None,
    latex: Annotated[
        Path | None, typer.Option(metavar="FILE.tex", help="The same for LaTeX (booktabs).")
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="POINTS|noise",
            help="A difference that does not matter: also say whether they are the same within it. "
            "noise: that of a training, from the table.",
        ),
    ] = None,
) -> None:
    """Say whether tuned is better than default, by how much, and how sure that is."""

    from oneshot_hpo.experiments.compare.at_equal import read_equal
    from oneshot_hpo.experiments.compare.comparing import compare_sources
    from oneshot_hpo.experiments.compare.display import print_spaces
    from oneshot_hpo.experiments.compare.margin import read_margin
    from oneshot_hpo.experiments.compare.sources import read_sources
    from oneshot_hpo.experiments.compare.tables import check_suffix, write_table
    from oneshot_hpo.experiments.compare.verdict.verdict import verdicts
    from oneshot_hpo.experiments.compare.verdict.writing import (
        check_compared,
        check_targets,
        write_verdicts,
    )
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.hints import say

    if table is not None:
        check_suffix(table)
    check_targets(page, latex)
    equal = read_equal(at_equal)
    has_verdict = page is not None or latex is not None
    studies, baselines = read_sources(sources, all_crashed=has_verdict)
    spaces = compare_sources(studies, baselines, read_margin(margin), equal=equal)
    console = terminal()
    print_spaces(console, spaces)
    if table is not None:
        write_table(table, spaces)
        say(console, f"table: {table}")
    if has_verdict:
        found = verdicts(spaces, studies)
        check_compared(found)
        write_verdicts(found, page, latex)
        say(console, f"verdict: {', '.join(str(path) for path in (page, latex) if path)}")
