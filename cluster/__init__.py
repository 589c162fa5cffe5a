"""Pools of Dask workers that run trials; what a trial computes is not known here."""
