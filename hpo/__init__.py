"""Configuration spaces, BOHB and the journal of a study.

Importing this package imports ConfigSpace and numpy. HpBandSter is imported when a Study is
created or opened.
"""

from oneshot_hpo.hpo.configuration_spaces import CONFIGURATION_SPACES, Range, configuration_space
from oneshot_hpo.hpo.confirmation import Confirmation
from oneshot_hpo.hpo.confirmation_view import (
    ConfirmationView,
    Rerun,
    has_confirmation,
    read_confirmation,
)
from oneshot_hpo.hpo.errors import (
    CorruptJournal,
    InvalidSettings,
    NewerJournal,
    StudyError,
    StudyExists,
    StudyLocked,
    StudyNotFound,
    StudyUnwritable,
)
from oneshot_hpo.hpo.extension import Extension
from oneshot_hpo.hpo.looks import Look, SequentialRule
from oneshot_hpo.hpo.replicate import Replicate
from oneshot_hpo.hpo.settings import OptimizerSettings
from oneshot_hpo.hpo.study import Study
from oneshot_hpo.hpo.study_state import Retry, StopReached, TrialRecord
from oneshot_hpo.hpo.study_view import BracketState, RungState, StudyTimes, StudyView, read_study
from oneshot_hpo.hpo.trial import BASELINE_ID, Observation, Trial, TrialResult

__all__ = [
    "BASELINE_ID",
    "CONFIGURATION_SPACES",
    "BracketState",
    "Confirmation",
    "ConfirmationView",
    "CorruptJournal",
    "Extension",
    "InvalidSettings",
    "Look",
    "NewerJournal",
    "Observation",
    "OptimizerSettings",
    "Range",
    "Replicate",
    "Rerun",
    "Retry",
    "RungState",
    "SequentialRule",
    "StopReached",
    "Study",
    "StudyError",
    "StudyExists",
    "StudyLocked",
    "StudyNotFound",
    "StudyTimes",
    "StudyUnwritable",
    "StudyView",
    "Trial",
    "TrialRecord",
    "TrialResult",
    "configuration_space",
    "has_confirmation",
    "read_confirmation",
    "read_study",
]
