"""Timings: run each as a module, python -m experiments.benchmarks.NAME."""
