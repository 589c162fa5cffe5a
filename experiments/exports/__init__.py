"""Writes a study in the formats of other tools, and imports their runs as a warm start."""
