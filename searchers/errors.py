"""The base of this package's exceptions; importing it loads nothing else."""

from oneshot_hpo.errors import OneShotHpoError


class SearchError(OneShotHpoError):
    """A search cannot begin or continue: its settings, images, checkpoint or device."""
