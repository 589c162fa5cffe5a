"""A study in the formats of other tools, and their runs as the beginning of a study."""
