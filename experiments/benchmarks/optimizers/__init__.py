"""Optimizers on problems whose every evaluation is in a table, on one simulated clock."""
