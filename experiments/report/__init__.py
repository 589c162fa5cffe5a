"""A study as one HTML page, whatever state it is in."""
