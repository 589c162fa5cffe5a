"""The exceptions of this package; importing them loads nothing else."""


class PoolError(RuntimeError):
    """The pool cannot work, and a retry will not help; the message says why."""
