"""Chooses the architecture after a search by the one-shot errors of the likeliest ones."""

from __future__ import annotations

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.fine_tuning import FineTuning
from oneshot_hpo.searchers.searcher import Searcher
from oneshot_hpo.searchers.settings import SearchSettings


def best_of_likely(
    searcher: Searcher, evaluation: OneShotEvaluation, settings: SearchSettings
) -> Architecture:
    """The candidate with the lowest error on all validation images; of equals, the likeliest.

    Each may be trained for some batches first, on the weights that it inherits.
    """
    candidates = searcher.likely(settings.selection_candidates)
    tuning = FineTuning(settings.finetune_batches or 0, settings)
    errors = evaluation.errors(candidates, fine_tuning=tuning)
    return candidates[min(range(len(errors)), key=errors.__getitem__)]
