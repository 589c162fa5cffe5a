"""A comparison as a page for a paper: claim, evidence, cost, threats to validity."""
