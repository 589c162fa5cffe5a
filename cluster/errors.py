"""The exceptions of this package; importing them loads nothing else."""

from oneshot_hpo.errors import OneShotHpoError


class ClusterError(OneShotHpoError):
    """Workers cannot start or work."""


class PoolError(ClusterError, RuntimeError):
    """The pool cannot work, and a retry will not help; the message says why."""
