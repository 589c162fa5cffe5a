"""The command line: a file a command. Typer is imported here alone."""
