"""What a GPU does with this project's searches: checks and timings, one call, one table, one file.

    python -m oneshot_hpo.experiments.benchmarks.gpu [--out FILE] [--minutes 8] [--only NAME ...]

Run from a checkout; needs this project's source, torch and numpy, nothing else. The work is cut
into tasks. They run in processes of their own, so that one that hangs, dies or spoils its GPU
context costs its own rows alone. Rows are printed and written as they come.
"""
