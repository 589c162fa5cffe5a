"""The command line, study files, the loop of a study, and what is shown of it."""

from oneshot_hpo.experiments.cli.start import start_cleanly

# Before anything else is imported, which may be somebody else's file.
start_cleanly()
