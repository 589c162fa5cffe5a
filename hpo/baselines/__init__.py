"""Black-box optimizers on a space of categorical choices, each as ask and tell.

One object runs many repetitions side by side: configurations are int (R, d), losses float (R,).
What a repetition does follows from its own seed, whichever others run beside it.
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
