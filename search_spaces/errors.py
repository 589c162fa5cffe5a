"""The base of this package's exceptions; importing it loads nothing else."""

from oneshot_hpo.errors import OneShotHpoError


class SpaceError(OneShotHpoError):
    """A search space, an architecture or a table cannot be used."""
