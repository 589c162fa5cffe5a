"""Verifies a study: its journal, its replay, its files."""
