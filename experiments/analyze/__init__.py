"""Analyses of supernets and tables: `oneshot-hpo analyze`."""
