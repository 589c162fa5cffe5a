"""Studies of the hyperparameters of one-shot neural architecture search."""
