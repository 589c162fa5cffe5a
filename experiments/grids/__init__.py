"""Grids: study files that stand for several studies."""
