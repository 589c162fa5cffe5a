"""Timings: run each as a module, python -m oneshot_hpo.experiments.benchmarks.NAME."""
