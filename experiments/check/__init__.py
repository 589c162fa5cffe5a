"""A study verified: its journal, its replay, its files."""
