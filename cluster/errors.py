"""What this package raises for its callers; importing it loads nothing."""


class PoolError(RuntimeError):
    """The pool cannot work, and trying again will not help; the message says why."""
