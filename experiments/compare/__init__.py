"""Tuned against default, against each other and against baselines, with statistics."""
