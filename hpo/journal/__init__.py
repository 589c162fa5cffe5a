"""The journal of a study: its events, lines, file, lock and writer."""
