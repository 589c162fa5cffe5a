"""Writes a study, in any state, as one HTML page."""
