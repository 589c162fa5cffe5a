"""Fault injection: `python -m oneshot_hpo.experiments.benchmarks.survival` prints the counts.

Each module here tries one kind of thing and has `run(progress) -> list[Row]`.
"""
