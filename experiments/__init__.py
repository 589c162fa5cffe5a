"""Study files, the command line, the loop of a study, and its reports."""
