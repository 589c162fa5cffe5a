"""libFuzzer on one reader, through atheris: it keeps an input that reaches new code.

    python -m oneshot_hpo.experiments.benchmarks.survival.guided READER --executions N [--seed S]

Its own changes of bytes take turns with the reader's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random

import atheris

_WATCHED = ["oneshot_hpo", "yaml", "pickletools"]

with atheris.instrument_imports(include=_WATCHED):
    from oneshot_hpo.experiments.benchmarks.survival import data_readers, study_readers  # noqa: F401
    from oneshot_hpo.experiments.benchmarks.survival.inputs import attempt, confine, keep, readers
    from oneshot_hpo.experiments.benchmarks.survival.reader import Broken

_LARGEST = 1 << 16
"""Bytes of an input."""


def main() -> None:
    """Fuzz until the executions are made, or the first input that breaks something."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader")
    parser.add_argument("--executions", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    reader = readers()[arguments.reader]

    def read(content: bytes) -> None:
        try:
            attempt(reader, content)
        except Broken:
            keep(reader, content)
            raise

    def mutate(content: bytes, largest: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.5:
            return bytes(atheris.Mutate(content, largest))
        return reader.mutate(content, random)[:largest]

    with tempfile.TemporaryDirectory(prefix="corpus-") as corpus:
        for number, sample in enumerate(reader.samples()):
            (Path(corpus) / str(number)).write_bytes(sample)
        confine()
        options = [f"-atheris_runs={arguments.executions}", f"-seed={arguments.seed + 1}"]
        options += [
            f"-max_len={_LARGEST}",
            "-rss_limit_mb=0",
            "-timeout=60",
            f"-artifact_prefix={corpus}/",
        ]
        command = [sys.argv[0], *options, corpus]
        atheris.Setup(command, read, custom_mutator=mutate)
        atheris.Fuzz()  # it ends the process


if __name__ == "__main__":
    main()
