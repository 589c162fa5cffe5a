"""Chains of layers: an example of a plug-in for oneshot-hpo."""
