"""Recommended defaults, derived from kept studies and tested on what they were not chosen on.

For a searcher in one space it is the configuration that its study there chose by validation error;
the test are the fresh seeds of the study's confirmation. For a searcher in a space without a study
of its own it is the tuned configuration of another space with the largest gain there; the test is
the held-out space: its study's confirmation has a setting of the same values, named HELD_OUT. A
recommendation is one only if the test shows that it is better than the default; otherwise the
default stays.

    python -m oneshot_hpo.experiments.benchmarks.claims.recommended        # the table
    python -m oneshot_hpo.experiments.benchmarks.claims.recommended --write experiments/studies
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from oneshot_hpo import experiments
from oneshot_hpo.experiments.benchmarks.claims.claim import Verdict
from oneshot_hpo.experiments.benchmarks.claims.kept import Kept, kept_studies
from oneshot_hpo.experiments.benchmarks.claims.tuning import judged, ratio_words, seeds_words
from oneshot_hpo.experiments.compare.comparing import Pairing, compare
from oneshot_hpo.experiments.compare.shift import shift
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.sample import matched
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.validation import validated
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.experiments.wording import configuration
from oneshot_hpo.search_spaces import SpaceId, title_of
from oneshot_hpo.search_spaces.space import tag_of
from oneshot_hpo.whole_files import write_whole

RESULTS = Path(experiments.__file__).parent / "results"
HELD_OUT = "held-out"
"""The name of the setting that tests another space's configuration."""
COMMAND = "python -m oneshot_hpo.experiments.benchmarks.claims.recommended"

Tested = Literal["seeds", "space"]
"""What the test has that the choice had not."""

_KEYS = (
    *("dataset", "table", "space", "searcher", "config_space"),
    *("min_budget", "max_budget", "eta", "iterations", "seed"),
)
"""Keys of a study file that a recommended one takes over."""


@dataclass(frozen=True)
class Recommendation:
    """A configuration, where it was chosen, and how it did where it was not."""

    of: Kept
    """The study in whose space it is tested."""
    chosen_in: Kept
    """The study that chose it; the same one if only the seeds are others."""
    values: Mapping[str, Any]
    """Of hyperparameters."""
    tested: Tested
    pairing: Pairing | None
    """The configuration beside the default on what it was not chosen on; None: not searched yet."""
    verdict: Verdict | None
    """Whether it is better there; None as `pairing`."""
    p_value: float | None
    """For all recommendations of its kind together."""

    @property
    def name(self) -> str:
        """Of its study file."""
        space = tag_of(self.of.study.spec.required_space)
        kind = "" if self.tested == "seeds" else "-elsewhere"
        label = self.of.study.spec.space_label.partition(" ")[0].rstrip(",")
        return f"recommended-{self.of.searcher.replace('_', '-')}-{space}-{label}{kind}"

    @property
    def is_shown(self) -> bool:
        """Whether it is better than the default where it was not chosen."""
        return self.verdict == "confirmed"

    @property
    def missing(self) -> str | None:
        """The command line that makes its test; None: it is there."""
        if self.pairing is not None:
            return None
        sets = " ".join(f"--set search.{key}={value}" for key, value in sorted(self.values.items()))
        return f"oneshot-hpo confirm RUNS/{self.of.name} --setting {HELD_OUT} {sets}"


def recommendations(kept: Sequence[Kept]) -> list[Recommendation]:
    """Of every confirmed study, and of every one whose searcher was tuned elsewhere as well."""
    confirmed = [one for one in kept if one.is_confirmed]
    own = [_judge([_own(one) for one in confirmed if _tuned(one) is not None])]
    elsewhere = [_elsewhere(one, confirmed) for one in confirmed]
    return [*own[0], *_judge([one for one in elsewhere if one is not None])]


def table_lines(found: Sequence[Recommendation]) -> Iterator[str]:
    """The recommended defaults as a section of Markdown."""
    yield "## Recommended defaults"
    yield ""
    yield "```sh"
    yield COMMAND
    yield "```"
    yield ""
    yield (
        "A configuration is recommended only if it is better than the default on seeds, or in a "
        "space, that it was not chosen on (p below 0.05, Holm for all rows of a kind)."
    )
    yield ""
    if not found:
        yield "No study is kept and confirmed yet: there is nothing to recommend."
        return
    yield "| searcher | space | values | chosen by | tested on | n | ratio | recommended |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in found:
        yield f"| {' | '.join(_row(one))} |"


def study_file(one: Recommendation) -> str:
    """A study file with the recommended values as its default configuration.

    UserError: it would not have them as its default. StudyFileError: its data are missing.
    """
    assert one.pairing is not None
    spec = one.of.study.spec
    document = {key: value for key, value in spec.model_dump(mode="json").items() if key in _KEYS}
    document["search"] = {**spec.search, **one.values}
    if isinstance(spec.config_space, dict):  # its own defaults come before those of the search
        document["config_space"] = _with_defaults(spec.config_space, one.values)
    document["cluster"] = {"threads": 1}
    document = {"name": one.name, **document}
    default = complete(validated(document, one.name), one.name).default_settings
    wrong = {key: value for key, value in one.values.items() if default.get(key) != value}
    if wrong:
        raise UserError(f"{one.name}: {configuration(wrong)} would not be its default")

    where = "seeds that it was not chosen on"
    if one.tested == "space":
        where = "a space that it was not chosen in"
    head = (
        f"# The default configuration is the recommended one: {configuration(one.values)}.\n"
        f"# Chosen by the study {one.chosen_in.name}. On {where}\n"
        f"# the median test regret of the usual default is {ratio_words(one.pairing)} times as\n"
        f"# high ({seeds_words(one.pairing)}).\n"
        f"# Derived by `{COMMAND}`.\n\n"
    )
    return head + dump_yaml(document)


def _with_defaults(space: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration space's document with these values as defaults."""
    return {
        key: {**entry, "default": values[key]} if key in values and "lower" in entry else entry
        for key, entry in space.items()
    }


def write_files(found: Sequence[Recommendation], folder: Path) -> list[Path]:
    """Write a study file for each recommendation that is shown.

    UserError, or another of this project's errors: one cannot be used; nothing is written then.
    """
    texts = {folder / f"{one.name}.yaml": study_file(one) for one in found if one.is_shown}
    for path, text in texts.items():
        write_whole(path, text.encode())
    return list(texts)


def _tuned(one: Kept) -> Mapping[str, Any] | None:
    """The tuned values of a confirmed study; None: its default stayed the best."""
    confirmation = one.study.confirmation
    assert confirmation is not None
    assert confirmation.tuned is not None
    return (
        None
        if confirmation.tuned == "default"
        else confirmation.settings[confirmation.tuned].config
    )


def _own(one: Kept) -> Recommendation:
    values = _tuned(one)
    assert values is not None
    pairing = compare(f"{one.source}:tuned", f"{one.source}:default")[0].pairings[0]
    return Recommendation(one, one, values, "seeds", pairing, None, None)


def _elsewhere(held_out: Kept, confirmed: Sequence[Kept]) -> Recommendation | None:
    """The best configuration of other spaces, and its test in this one; None: there is none."""
    spec = held_out.study.spec
    others = [
        (gain(one), one)
        for one in confirmed
        if one.searcher == held_out.searcher
        and one.study.spec.space_label == spec.space_label
        and _family(one) == _family(held_out)
        and one.study.spec.required_space != spec.required_space
        and _tuned(one) is not None
    ]
    if not others:
        return None
    _, best = max(others, key=lambda pair: pair[0])
    values = _tuned(best)
    assert values is not None

    confirmation = held_out.study.confirmation
    assert confirmation is not None
    setting = confirmation.settings.get(HELD_OUT)
    pairing = None
    if setting is not None and {**setting.config, **values} == setting.config:
        source = held_out.source
        pairing = compare(f"{source}:{HELD_OUT}", f"{source}:default")[0].pairings[0]
    return Recommendation(held_out, best, values, "space", pairing, None, None)


def gain(one: Kept) -> float:
    """How much lower the regret of the tuned configuration is than the default's, by pairs."""
    tuned, default = compare(f"{one.source}:tuned", f"{one.source}:default")[0].samples[:2]
    first, second, paired = matched(tuned, default)
    # A crash counts as a regret of 1: no regret is larger.
    return shift(np.minimum(first, 1.0), np.minimum(second, 1.0), paired=paired)


def _family(one: Kept) -> tuple[str | None, str | None]:
    return one.study.spec.dataset, one.study.spec.table


def _judge(found: Sequence[Recommendation]) -> list[Recommendation]:
    """Verdicts of recommendations of one kind, together."""
    tested = [one for one in found if one.pairing is not None]
    verdicts = judged([one.pairing for one in tested if one.pairing is not None])
    of = dict(zip(map(id, tested), verdicts, strict=True))
    return [one if id(one) not in of else _with(one, *of[id(one)]) for one in found]


def _with(one: Recommendation, verdict: Verdict, p_value: float) -> Recommendation:
    return Recommendation(
        one.of, one.chosen_in, one.values, one.tested, one.pairing, verdict, p_value
    )


def _row(one: Recommendation) -> Iterator[str]:
    space: SpaceId = one.of.study.spec.required_space
    yield one.of.searcher
    yield title_of(space)
    yield configuration(one.values)
    yield one.chosen_in.name
    yield "fresh seeds" if one.tested == "seeds" else f"{title_of(space)}, fresh seeds"
    if one.pairing is None:
        yield from ("", "", f"not tested yet: `{one.missing}`")
        return
    yield seeds_words(one.pairing)
    yield ratio_words(one.pairing)
    yield "yes" if one.is_shown else "no, the default stays"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table, and the tests that are missing; writes study files where asked to."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--write", type=Path, metavar="FOLDER", help="study files, of what is shown"
    )
    given = parser.parse_args(arguments)
    if given.write is not None and not given.write.is_dir():
        parser.error(f"--write {given.write} is no folder")

    with kept_studies(given.results) as kept:
        found = recommendations(kept)
        print("\n".join(table_lines(found)))
        for one in found:
            if one.missing is not None:
                print(one.missing)
        if given.write is not None:
            for path in write_files(found, given.write):
                print(path)


if __name__ == "__main__":
    main()
