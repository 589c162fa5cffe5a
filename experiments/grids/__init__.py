"""Grids: study files that describe several studies."""
