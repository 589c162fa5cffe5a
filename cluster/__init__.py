"""Pools of Dask workers that run functions, whatever these compute."""
