"""The origin of a study: its specification, machine, versions, and how to repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oneshot_hpo.experiments.pages.values import moment
from oneshot_hpo.experiments.study.extensions import is_longer_only, words
from oneshot_hpo.experiments.study.folder import SPECIFICATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.sources import UNUSABLE, Source, reasons
from oneshot_hpo.experiments.study.summary import kept_words
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.hpo.confirmation_view import DEFAULT

_GIB = "memory_gib"


@dataclass(frozen=True)
class Origin:
    """Everything that is needed to repeat a study."""

    specification: str
    """study.yaml, with every default written out."""
    machine: dict[str, str]
    """Facts about the machine that created it, by name."""
    versions: dict[str, str]
    """Versions by package."""
    commands: list[str]
    """Commands that repeat the study, in the folder of the specification's file."""
    certainty: str
    """How closely a repetition will match."""


def read(study: OpenedStudy) -> Origin:
    """Read the origin from the journal's header."""
    spec = study.spec
    workers = spec.workers or 1
    certainty = (
        "With one worker the seed determines every number on such a machine."
        if workers == 1
        else f"With {workers} workers the order in which results arrive matters too; with "
        "--workers 1 the seed determines every number on such a machine."
    )
    if not all(is_longer_only(one.extension) for one in study.view.extensions):
        certainty = f"The study was extended, and a repetition is not: it will differ. {certainty}"
    return Origin(
        specification=dump_yaml(spec.model_dump(mode="json")),
        machine={"created": moment(study.times.created)}
        | _warm_start(study)
        | _extensions(study)
        | _machine(study.view.header.get("machine"))
        | _kept(study),
        versions=dict(spec.versions),
        commands=_commands(study),
        certainty=certainty,
    )


def _warm_start(study: OpenedStudy) -> dict[str, str]:
    if not study.sources:
        return {}
    return {"warm start": "; ".join(map(_source_words, study.sources))}


def _source_words(source: Source) -> str:
    words = f"{source.taken} results of {source.folder}"
    if source.order_only:
        words += ", by order only"
    if source.left_out:
        words += f", without {reasons(source.left_out)}"
    return words


def _kept(study: OpenedStudy) -> dict[str, str]:
    kept = study.kept_weights
    return {"supernets kept": kept_words(study.folder, kept)} if kept else {}


def _extensions(study: OpenedStudy) -> dict[str, str]:
    if not study.view.extensions:
        return {}
    each = [f"{moment(time)}: {words(extension)}" for time, extension in study.view.extensions]
    return {"extended": "; ".join(each)}


def _commands(study: OpenedStudy) -> list[str]:
    again = Path(f"{study.folder.resolve().name}-again")
    sources = study.sources
    skipping = ["--skip-bad"] if any(UNUSABLE in one.left_out for one in sources) else []
    if any(one.exact for one in sources):
        (run,) = sources
        made = command("import", Path(run.folder), SPECIFICATION, "--dir", again, *skipping)
        commands = [made, command("resume", again)]
    else:
        options = [word for one in sources for word in ("--from", Path(one.folder))]
        options += ["--as-prior"] if any(one.order_only for one in sources) else []
        commands = [command("launch", SPECIFICATION, "--dir", again, *options, *skipping)]
    if study.confirmation is not None and DEFAULT in study.confirmation.settings:
        seeds = str(study.confirmation.settings[DEFAULT].seeds)
        commands.append(command("confirm", again, "--seeds", seeds))
    return commands


def _machine(recorded: dict[str, object] | None) -> dict[str, str]:
    if recorded is None:
        return {"machine": "not recorded by the version that created the study"}
    facts = {key: value for key, value in recorded.items() if key not in ("gpus", _GIB)}
    gpus = recorded["gpus"]
    assert isinstance(gpus, list)
    return {key: str(value) for key, value in facts.items()} | {
        "memory": f"{recorded[_GIB]} GiB",
        "GPUs": ", ".join(map(str, gpus)) or "none",
    }
