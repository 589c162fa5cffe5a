"""The base of every exception that this project raises on purpose."""


class OneShotHpoError(Exception):
    """What went wrong, in a message of one line: what, where, and what to do.

    Each package has a base of its own below this one. An error that bad input caused is a
    ValueError as well.
    """
