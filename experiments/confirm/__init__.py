"""Searches again with fresh seeds: the incumbent and the default of a study."""
