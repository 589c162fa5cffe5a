"""Notebooks made of scripts in cells, as `python -m support.notebook` in tests/ writes them."""

import json
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "experiments" / "examples"


def notebook_of(script: str) -> str:
    """The notebook of a script whose cells begin with `# %%` or `# %% [markdown]`."""
    cells = [_cell(*text.split("\n", 1)) for text in ("\n" + script).split("\n# %%")[1:]]
    document = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, text: str) -> dict[str, object]:
    lines = text.strip("\n").split("\n")
    if kind.strip() == "[markdown]":
        lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
        return {"cell_type": "markdown", "metadata": {}, "source": _source(lines)}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _source(lines),
    }


def _source(lines: list[str]) -> list[str]:
    return [line + "\n" for line in lines[:-1]] + lines[-1:]


def main() -> None:
    """Write the notebook beside each example."""
    for script in sorted(EXAMPLES.glob("*.py")):
        script.with_suffix(".ipynb").write_text(notebook_of(script.read_text()))
        print(script.with_suffix(".ipynb").name, file=sys.stderr)


if __name__ == "__main__":
    main()
