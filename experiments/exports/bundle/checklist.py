"""The checklist of Lindauer and Hutter (2020, JMLR 21, 243), filled from journals.

Every question is an entry of QUESTIONS, with a function that answers it from the studies, or
returns None where no journal knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oneshot_hpo.experiments.numbers.spending import hours, spending
from oneshot_hpo.experiments.objectives.section import text
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.inputs import INPUTS
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.search_spaces import title_of

OPEN = "open: no journal knows"


@dataclass(frozen=True)
class Facts:
    """What the questions are answered from."""

    studies: Sequence[OpenedStudy]
    figures: Sequence[str]
    """Names of the figures that were drawn, without suffix."""


def answers(facts: Facts) -> list[tuple[str, str]]:
    """Every question with its answer."""
    return [(question, answer(facts) or OPEN) for question, answer in QUESTIONS]


def _unknown(facts: Facts) -> str | None:
    return None


def _own_code(facts: Facts) -> list[str]:
    """Code of the user's own, which no bundle holds."""
    found: list[str] = []
    for study in facts.studies:
        own = own_code.references(study.spec).items()
        found += [f"{key} {reference.label}" for key, reference in own]
        if study.spec.command is not None:
            found.append("a command of one's own")
    return list(dict.fromkeys(found))


def _pipeline(facts: Facts) -> str | None:
    tables = _tables(facts)
    if not tables:
        return None
    return f"errors of final architectures are read from the table {', '.join(tables)}"


def _space(facts: Facts) -> str | None:
    if _own_code(facts):
        return f"open: code of one's own is not in a bundle ({', '.join(_own_code(facts))})"
    spaces = dict.fromkeys(s.spec.space for s in facts.studies if s.spec.space is not None)
    words = ", ".join(map(title_of, spaces))
    return f"{words}: in oneshot-hpo {_versions(facts)}" if words else None


def _settings(facts: Facts) -> str:
    return "every setting is in studies/*/study.yaml; every seed is in the journals and above"


def _method(facts: Facts) -> str | None:
    if _own_code(facts):
        return f"open: code of one's own is not in a bundle ({', '.join(_own_code(facts))})"
    searchers = ", ".join(dict.fromkeys(study.spec.searcher for study in facts.studies))
    return f"{searchers}: in oneshot-hpo {_versions(facts)}"


def _same_benchmark(facts: Facts) -> str | None:
    if len(facts.studies) < 2:
        return None
    values = {
        **{
            name: {_identity(study, key) for study in facts.studies} for key, name in INPUTS.items()
        },
        "search space": {str(study.spec.space) for study in facts.studies},
    }
    unlike = [name for name, found in values.items() if len(found) > 1]
    if unlike:
        return f"no: studies differ in {', '.join(unlike)}"
    return f"yes: {', '.join(values)} of all studies are the same"


def _identity(study: OpenedStudy, key: str) -> str:
    place = getattr(study.spec, key)
    return str(study.spec.checksums.get(key, place))


def _confounders(facts: Facts) -> str:
    machines = {str(study.view.header.get("machine")) for study in facts.studies}
    versions = {str(sorted(study.spec.versions.items())) for study in facts.studies}
    words = [
        "one kind of machine" if len(machines) == 1 else f"{len(machines)} kinds of machines",
        "the same versions of packages" if len(versions) == 1 else "different versions of packages",
    ]
    return f"the masters ran on {' with '.join(words)}; workers are not recorded"


def _protocol(facts: Facts) -> str | None:
    if len(facts.studies) < 2:
        return None
    objectives = {text(study.spec.objective) for study in facts.studies}
    budgets = {study.spec.max_budget for study in facts.studies}
    if len(objectives) == len(budgets) == 1:
        return f"yes: objective {objectives.pop()}, {budgets.pop():g} epochs at most"
    return "no: studies differ in objective or largest budget"


def _over_time(facts: Facts) -> str | None:
    names = [name for name in facts.figures if name.startswith("regret_")]
    return f"yes: figures/{', figures/'.join(names)}" if names else None


def _runs(facts: Facts) -> str:
    words = []
    for study in facts.studies:
        if study.confirmation is None:
            words.append(f"{study.source}: no, one search of each configuration")
            continue
        counts = {
            name: len(study.confirmation.results_of(name)) for name in study.confirmation.settings
        }
        named = ", ".join(f"{count} of {name}" for name, count in counts.items())
        words.append(f"{study.source}: searches with fresh seeds, {named}")
    return "; ".join(words)


def _tabular(facts: Facts) -> str | None:
    tables = _tables(facts)
    return f"yes: {', '.join(tables)}" if tables else None


def _tuning(facts: Facts) -> str:
    spent = [spending(study.view.evaluations) for study in facts.studies]
    total = hours(sum(one.seconds for one in spent))
    return f"by BOHB, {sum(one.searches for one in spent)} evaluations in {total} worker hours"


def _end_to_end(facts: Facts) -> str:
    spent = [spending(study.view.evaluations).seconds for study in facts.studies]
    for study in facts.studies:
        spent.append(spending(study.view.replicates).seconds)
        if study.confirmation is not None:
            spent.append(spending(study.confirmation.evaluations).seconds)
    words = f"{hours(sum(spent))} worker hours for studies and confirmations together"
    return f"{words}; times of trainings that a table was made of are its own"


def _setup(facts: Facts) -> str:
    return "settings, versions and machines are in the journals, and in this appendix"


def _tables(facts: Facts) -> list[str]:
    return list(dict.fromkeys(s.table_name for s in facts.studies if s.table_name is not None))


def _versions(facts: Facts) -> str:
    found = (study.spec.versions.get("oneshot-hpo", "?") for study in facts.studies)
    return ", ".join(dict.fromkeys(found))


QUESTIONS: tuple[tuple[str, Callable[[Facts], str | None]], ...] = (
    ("Released: code of the training pipeline for final architectures", _pipeline),
    ("Released: code of the search space", _space),
    ("Released: hyperparameters and seeds of the final evaluation", _settings),
    ("Released: code of the NAS method", _method),
    ("Released: hyperparameters and seeds of the NAS method", _settings),
    ("Compared on the same benchmark: data, split, search space, training", _same_benchmark),
    ("Controlled for confounders: hardware, library versions, run time", _confounders),
    ("Ablation studies", _unknown),
    ("The same evaluation protocol for all methods", _protocol),
    ("Performance over time", _over_time),
    ("Comparison with random search", _unknown),
    ("Several runs, with their seeds", _runs),
    ("Tabular or surrogate benchmarks for in-depth evaluation", _tabular),
    ("How hyperparameters were tuned, and what that took", _tuning),
    ("Time of the whole method, not of the search alone", _end_to_end),
    ("All details of the experimental setup", _setup),
)
"""The items in this project's words, in the order of the checklist."""
