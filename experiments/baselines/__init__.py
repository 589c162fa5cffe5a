"""`oneshot-hpo baselines`: black-box optimizers on tables of trained cells."""
