"""Configuration spaces, BOHB and the journal of a study.

Importing this package imports ConfigSpace and numpy. HpBandSter comes in when a Study is created or
opened.
"""

from hpo.configuration_spaces import CONFIGURATION_SPACES, Range, configuration_space
from hpo.confirmation import Confirmation
from hpo.confirmation_view import ConfirmationView, Rerun, read_confirmation
from hpo.environments import noted_environments
from hpo.errors import (
    CorruptJournal,
    InvalidSettings,
    NewerJournal,
    StudyError,
    StudyExists,
    StudyLocked,
    StudyNotFound,
    StudyUnwritable,
)
from hpo.settings import OptimizerSettings
from hpo.study import Study
from hpo.study_state import TrialRecord
from hpo.trial import BASELINE_ID, Observation, Trial, TrialResult
from hpo.view import BracketState, RungState, StudyView, read_study

__all__ = [
    "BASELINE_ID",
    "CONFIGURATION_SPACES",
    "BracketState",
    "Confirmation",
    "ConfirmationView",
    "CorruptJournal",
    "InvalidSettings",
    "NewerJournal",
    "Observation",
    "OptimizerSettings",
    "Range",
    "Rerun",
    "RungState",
    "Study",
    "StudyError",
    "StudyExists",
    "StudyLocked",
    "StudyNotFound",
    "StudyUnwritable",
    "StudyView",
    "Trial",
    "TrialRecord",
    "TrialResult",
    "configuration_space",
    "noted_environments",
    "read_confirmation",
    "read_study",
]
