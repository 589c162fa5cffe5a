"""Figures of studies and baselines for papers; their numbers come from `data`."""
