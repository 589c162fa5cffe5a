"""Tries everything that a study has to survive and prints what was tried as a Markdown table.

    python -m oneshot_hpo.experiments.benchmarks.survival [MODULE ...]

MODULE: those of this package to run; all of them if none is named. Exit code 1 if anything did not
survive.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module

from oneshot_hpo.experiments.benchmarks.survival.rows import Row, markdown, summary

MODULES = (
    *("kills", "disk", "masters", "pool", "environment"),
    *("killer", "inputs", "hostile", "scale"),
)


def main() -> int:
    """Run the modules that the command line names; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", metavar="MODULE", nargs="*", help=", ".join(MODULES))
    chosen = parser.parse_args().modules or MODULES
    if unknown := set(chosen) - set(MODULES):
        parser.error(f"no module {', '.join(sorted(unknown))}: there are {', '.join(MODULES)}")
    rows: list[Row] = []
    for name in chosen:
        module = import_module(f"oneshot_hpo.experiments.benchmarks.survival.{name}")
        rows += module.run(_print_progress)
    print("", file=sys.stderr)
    print(markdown(rows))
    print(f"\nIn short:\n\n{markdown(summary(rows))}")
    return 0 if all(row.survived == row.tried for row in rows) else 1


_last = 0.0


def _print_progress(what: str, done: int, planned: int) -> None:
    """One line on standard error, not oftener than once a second."""
    global _last
    if done == planned or time.monotonic() - _last > 1:
        _last = time.monotonic()
        end = "\n" if done == planned else ""
        print(f"\r\x1b[K{what}: {done:,} of {planned:,}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
