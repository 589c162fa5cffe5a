"""A search space as one page: `oneshot-hpo atlas`."""
