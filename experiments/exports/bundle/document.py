"""A short document of headings, sentences, lists and tables, as Markdown and as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oneshot_hpo.experiments.compare.latex import escaped


@dataclass(frozen=True)
class Heading:
    """A heading."""

    text: str


@dataclass(frozen=True)
class Words:
    """Sentences of their own, or points of a list."""

    lines: Sequence[str]
    listed: bool = False


@dataclass(frozen=True)
class Grid:
    """A table of text."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


Block = Heading | Words | Grid


def markdown(title: str, blocks: Sequence[Block]) -> str:
    """The document as Markdown."""
    lines = [f"# {title}", ""]
    for block in blocks:
        if isinstance(block, Heading):
            lines.append(f"## {block.text}")
        elif isinstance(block, Words):
            lines += [f"- {line}" if block.listed else line for line in map(_plain, block.lines)]
        else:
            lines += [_row(block.heads), f"|{'---|' * len(block.heads)}", *map(_row, block.rows)]
        lines.append("")
    return "\n".join(lines)


def latex(title: str, blocks: Sequence[Block]) -> str:
    """The document as a section for LaTeX, with booktabs."""
    lines = ["% \\usepackage{booktabs}", f"\\section{{{escaped(title)}}}", ""]
    for block in blocks:
        if isinstance(block, Heading):
            lines.append(f"\\subsection{{{escaped(block.text)}}}")
        elif isinstance(block, Words) and block.listed:
            items = [f"\\item {escaped(line)}" for line in block.lines]
            lines += ["\\begin{itemize}", *items, "\\end{itemize}"] if items else []
        elif isinstance(block, Words):
            lines += [f"{escaped(line)}\n" for line in block.lines]
        else:
            lines += _tabular(block)
        lines.append("")
    return "\n".join(lines)


def _tabular(grid: Grid) -> list[str]:
    width = f"p{{{0.9 / len(grid.heads):.2f}\\linewidth}}"
    rows = [" & ".join(map(escaped, row)) + " \\\\" for row in (grid.heads, *grid.rows)]
    return [
        f"\\begin{{tabular}}{{{width * len(grid.heads)}}}",
        *("\\toprule", rows[0], "\\midrule", *rows[1:], "\\bottomrule", "\\end{tabular}"),
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', '&#124;') for cell in cells)} |"


def _plain(text: str) -> str:
    """A text as Markdown shows it to the letter: no tags, no line breaks."""
    return " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")
