"""What is known of a found architecture: one record, and the keys that it has in a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oneshot_hpo import checks
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.section import LOSS, measure
from oneshot_hpo.experiments.wording import percent
from oneshot_hpo.search_spaces import Architecture, SearchSpace

if TYPE_CHECKING:  # workers make outcomes, and do not load the optimizer's package
    from oneshot_hpo.hpo import TrialResult

KEYS = {
    "valid": "valid_error",
    "test": "test_error",
    "valid_regret": "valid_regret",
    "regret": "test_regret",
    "percentile": "percentile",
    "document": "architecture",
    "key": "module_hash",
    "one_shot": "one_shot_error",
    "transfer": "transfer",
    "drawn_repeat": "drawn_repeat",
    "imputed": "imputed",
    "scaled_rate": "arch_learning_rate",
    "undecided": "undecided",
    "continued_from": "continued_from",
    "parameters": "parameters",
    "macs": "macs",
    "training_seconds": "training_seconds",
    "peak_memory": "peak_memory",
    "objective": "objective",
    "trained": "trained",
    "costs": "costs",
    "measured": "measured",
}
"""The key of each field in the `info` of a journaled result, in the order in which it is written.
`loss` and both kinds of seconds have places of their own in a result."""

IMPUTED = "of a model, not of a training: its table imputes what was not measured"
"""The words for an error that rests on an imputed value."""

UNDECIDED = (
    "undecided: their choices are within noise of uniform, and each cell is the sign of a drift"
)
"""The words for searches whose choices have not been made (`Diagnosis.undecided`)."""

SECONDS = "search_seconds"
"""The key of `seconds` in the timestamps of a journaled result."""

PROCESSOR_SECONDS = "processor_seconds"
"""The key there of the processor seconds of a search on a CPU."""

COMPARE_SECONDS = "compare_seconds"
"""The key of `compare_seconds` there."""

OBJECTIVE_SECONDS = "objective_seconds"
"""The key of `objective_seconds`, likewise."""

SUCCESS = {"state": "SUCCESS"}
CRASHED = {"state": "CRASHED"}
"""The `info` of a search that crashed; its reason is the result's `exception`."""

_is_number = checks.number().test
_NUMBERS = (
    *("valid", "test", "valid_regret", "regret", "percentile", "one_shot"),
    *("parameters", "macs", "training_seconds", "peak_memory", "scaled_rate"),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The architecture that a search found, and what its table knows of it.

    A field is None if the result does not have it: the search crashed or has not finished, another
    program wrote the result, or a damaged journal has a value of the wrong type.
    """

    loss: float | None = None
    """What the optimizer minimises; an error is in [0, 1]."""
    valid: float | None = None
    """Mean validation error of the architecture trained on its own, in [0, 1]."""
    test: float | None = None
    """Its mean test error, in [0, 1]."""
    valid_regret: float | None = None
    """`valid` minus the lowest mean of the complete space."""
    regret: float | None = None
    """`test` minus the lowest mean of the complete space."""
    percentile: float | None = None
    """Share of the space's architectures with a higher test error, in percent."""
    one_shot: float | None = None
    """One-shot validation error at the end of the search, in [0, 1]: of the cell found, where the
    searcher compared cells, otherwise of the mixture or cell that its last record names."""
    document: Mapping[str, Any] | None = None
    """The architecture as its space writes it (`SearchSpace.to_document`)."""
    key: str | None = None
    """`SearchSpace.key`, equal for isomorphic architectures."""
    transfer: bool = False
    """Whether the table is of another data set than the search."""
    imputed: bool = False
    """Whether an error or regret rests on a value that a model of the table's makers imputed."""
    undecided: bool = False
    """Whether the search ended with choices within noise of uniform (`Diagnosis.undecided`)."""
    continued_from: int | None = None
    """Epochs of the trial of a smaller budget where the search went on; None: it began from
    nothing."""
    parameters: int | None = None
    """Trainable parameters of the architecture's own network, as its table records them."""
    macs: int | None = None
    """Multiply-accumulates of that network for one image."""
    training_seconds: float | None = None
    """The table's time of training it, mean over the repeats."""
    peak_memory: int | None = None
    """Most bytes that the search had allocated on its GPU; None without one."""
    drawn_repeat: int | None = None
    """The repeat of the table that is the loss, from 0; None if the loss is the mean."""
    scaled_rate: float | None = None
    """What the rule `arch_learning_rate: scaled` gave; None: the rate was set."""
    objective: str | None = None
    """The name of the objective that made the loss; None: the mean, or one repeat, of the table's
    validation error."""
    trained: Mapping[str, Any] | None = None
    """The errors of the objective's own trainings, valid_error and test_error, one a seed."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """What a combined objective adds to the error, by metric: parameters, latency, …"""
    measured: tuple[str, ...] = ()
    """Those of them that the worker measured, so that they depend on it."""
    seconds: float | None = None
    """Search time of one worker in seconds, over all attempts."""
    compare_seconds: float | None = None
    """The part of `seconds` in which the searcher compared cells; None: it compared none."""
    objective_seconds: float | None = None
    """The objective's own time, likewise; None if it is not measured."""

    @classmethod
    def from_result(cls, result: TrialResult | None) -> Outcome:
        """The outcome of a journaled result; None: the trial has not finished."""
        if result is None:
            return cls()

        info = result.info
        numbers: dict[str, Any] = {name: _number(info.get(KEYS[name])) for name in _NUMBERS}
        return cls(
            **numbers,
            loss=None if result.crashed else _number(result.loss),
            document=_of_type(info.get(KEYS["document"]), dict),
            key=_of_type(info.get(KEYS["key"]), str),
            transfer=bool(info.get(KEYS["transfer"])),
            imputed=bool(info.get(KEYS["imputed"])),
            undecided=bool(info.get(KEYS["undecided"])),
            continued_from=_of_type(info.get(KEYS["continued_from"]), int),
            drawn_repeat=_of_type(info.get(KEYS["drawn_repeat"]), int),
            objective=_of_type(info.get(KEYS["objective"]), str),
            trained=_of_type(info.get(KEYS["trained"]), dict),
            costs=_numbers(info.get(KEYS["costs"])),
            measured=_words(info.get(KEYS["measured"])),
            seconds=search_seconds(result),
            compare_seconds=_number(result.timestamps.get(COMPARE_SECONDS)),
            objective_seconds=objective_seconds(result),
        )

    def to_info(self) -> dict[str, Any]:
        """The `info` that journals a successful search, without unknown fields."""
        known = {key: getattr(self, name) for name, key in KEYS.items()}
        known["measured"] = list(self.measured)
        return SUCCESS | {
            key: value
            for key, value in known.items()
            if value is not None and value is not False and value not in ({}, [])
        }

    @property
    def has_own_loss(self) -> bool:
        """Whether the loss is a number of its own, and none of the architecture's errors."""
        return self.objective is not None and self.loss not in (None, self.valid, self.test)

    def cost_label(self, metric: str) -> str:
        """A cost's name for people, which says if it was measured: "latency (measured)"."""
        return f"{metric} (measured)" if metric in self.measured else metric

    def architecture(self, space: SearchSpace) -> Architecture:
        """The architecture found, in `space`. UserError: the journal does not have it."""
        if self.document is None:
            raise UserError(_missing("no architecture"))
        try:
            return space.from_document(self.document)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(_missing(f"an architecture that cannot be read ({error})")) from None

    def reported(self, field: str, journal: str | None = None) -> float:
        """A number that every result must have. UserError, which names the journal: it is missing.

        field: "valid", "regret", …; journal: the name of its file, None for a study's.
        """
        value: float | None = getattr(self, field)
        if value is None:
            raise UserError(_missing(f"no number for {KEYS[field]}", journal))
        return value


def undecided_note(results: Iterable[TrialResult]) -> str | None:
    """A sentence if some of these searches ended undecided, else None."""
    flags = [Outcome.from_result(one).undecided for one in results if not one.crashed]
    if not any(flags):
        return None
    return f"{sum(flags)} of {len(flags)} searches ended {UNDECIDED}."


def loss_words(result: TrialResult) -> str:
    """The loss of a result that did not crash: "4.21 % validation error", "loss 0.0512"."""
    assert result.loss is not None
    objective = _of_type(result.info.get(KEYS["objective"]), str)
    name, number = measure(objective), loss_text(result.loss, objective)
    return f"{name} {number}" if name == LOSS else f"{number} {name}"


def loss_text(loss: float, objective: str | None) -> str:
    """A loss alone: "4.21 %", "0.0512"; objective: `Outcome.objective`."""
    return f"{loss:.4g}" if measure(objective) == LOSS else percent(loss)


def search_seconds(result: TrialResult) -> float | None:
    """`Outcome.seconds` alone, which is cheaper for repeated passes over a long study."""
    return result.timestamps.get(SECONDS)


def processor_seconds(result: TrialResult) -> float | None:
    """Processor seconds of a search on a CPU, of all its threads; None where they are unknown."""
    return result.timestamps.get(PROCESSOR_SECONDS)


def compare_seconds(result: TrialResult) -> float:
    """`Outcome.compare_seconds` alone; 0 where no cells were compared."""
    return result.timestamps.get(COMPARE_SECONDS, 0.0)


def objective_seconds(result: TrialResult) -> float | None:
    """`Outcome.objective_seconds` alone."""
    return result.timestamps.get(OBJECTIVE_SECONDS)


def _number(value: Any) -> float | None:
    """A finite number as it is; None for anything else."""
    return value if _is_number(value) else None


def _numbers(value: Any) -> dict[str, float]:
    """The finite numbers of a mapping; empty for anything else."""
    found = value if isinstance(value, dict) else {}
    return {str(key): number for key, number in found.items() if _is_number(number)}


def _words(value: Any) -> tuple[str, ...]:
    """The words of a list; empty for anything else."""
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _of_type(value: Any, kind: type) -> Any:
    return value if isinstance(value, kind) else None


def _missing(what: str, journal: str | None = None) -> str:
    if journal is None:
        from oneshot_hpo.hpo.journal.file import JOURNAL_NAME

        journal = JOURNAL_NAME
    return f"{journal} cannot be used: a result has {what}"
