"""Writes a search space as one page: `oneshot-hpo atlas`."""
