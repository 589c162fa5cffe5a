"""Why a figure cannot be."""

from __future__ import annotations

from oneshot_hpo.experiments.errors import UserError


class NotEnoughData(UserError):
    """There is too little for an honest figure; the message is one line that says what is missing.

    Whoever makes several figures leaves this one out and says why.
    """
