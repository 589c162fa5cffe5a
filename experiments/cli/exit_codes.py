"""Exit codes of every command; 0 is success."""

STOPPED = 1
"""Work that cannot continue here, or a problem that `check` found."""
USER_ERROR = 2
"""Bad input; nothing was changed."""
INTERRUPTED = 130
"""Ctrl-C or SIGTERM."""
