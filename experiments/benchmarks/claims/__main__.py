"""Writes the page of claims from what is kept in experiments/results.

python -m oneshot_hpo.experiments.benchmarks.claims            # after each kept study
python -m oneshot_hpo.experiments.benchmarks.claims --check    # is the page up to date?
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.claims.budgets import RESULTS
from oneshot_hpo.experiments.benchmarks.claims.page import COMMAND, PAGE, written
from oneshot_hpo.whole_files import write_whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page, or says whether it is stale: exit code 1."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    if not given.results.is_dir():
        parser.error(f"{given.results} is no folder of results")

    page, text = given.results / PAGE, written(given.results)
    if not given.check:
        write_whole(page, text.encode())
        print(page)
        return 0
    if page.is_file() and page.read_text() == text:
        print(f"{page} is up to date")
        return 0
    print(f"{page} is stale: {COMMAND}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
