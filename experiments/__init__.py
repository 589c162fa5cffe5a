"""The command line, study files, the loop of a study, and what is shown of it."""
