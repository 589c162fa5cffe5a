"""Study files, the command line, the loop of a study, and what is shown of it."""
