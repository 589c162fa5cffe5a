"""Black-box optimizers on a space of categorical choices, each with ask and tell.

One object runs R repetitions side by side: configurations are int (R, d), losses float (R,). Each
repetition depends on its own seed alone, not on the others.
"""

from oneshot_hpo.hpo.baselines.optimizer import InvalidBaseline, Optimizer, Problem, Proposal
from oneshot_hpo.hpo.baselines.registry import METHODS, known_method, make_optimizer, settings_class

__all__ = [
    "METHODS",
    "InvalidBaseline",
    "Optimizer",
    "Problem",
    "Proposal",
    "known_method",
    "make_optimizer",
    "settings_class",
]
