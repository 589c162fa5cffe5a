"""Scores of untrained networks (zero-cost proxies), of which larger should be better."""

from oneshot_hpo.searchers.zero_cost.scores import SCORES, Scorer, ScoreSettings

__all__ = ["SCORES", "ScoreSettings", "Scorer"]
