"""Readers of what a study is made of: its file, options, journals, an HpBandSter run."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from random import Random

import yaml
from rich.console import Console

from oneshot_hpo.experiments.benchmarks.survival.mutation import (
    mixed,
    mutate_bytes,
    mutate_document,
    mutate_lines,
)
from oneshot_hpo.experiments.benchmarks.survival.reader import Reader, require
from oneshot_hpo.experiments.compare.sources import read_sources
from oneshot_hpo.experiments.exports import hpbandster
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.hpbandster import CONFIGS, RESULTS
from oneshot_hpo.experiments.exports.hpbandster_run import read_run
from oneshot_hpo.experiments.grids.grid import load_grid
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.document import shipped_studies
from oneshot_hpo.experiments.study.folder import CONFIRMATION, create_study
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.status import show_status
from oneshot_hpo.experiments.study.validation import load_study, validated
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.hpo import (
    Confirmation,
    Extension,
    Study,
    TrialResult,
    configuration_space,
    read_confirmation,
    read_study,
)
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME


def _specification() -> StudySpec:
    return complete(load_study("quickstart", ["iterations=3", "workers=1"]), "quickstart")


@cache
def _a_study() -> dict[str, bytes]:
    """The files of a small study and its confirmation, made by the program itself."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "study"
        with create_study(folder, _specification()) as study:
            number = 0
            while (trial := study.ask()) is not None:
                if number == 6:
                    trial = study.retry(trial, "its worker died")
                study.tell(trial, _result(number))
                number += 1
            incumbent, baseline = study.incumbent, study.baseline
            header = study.header
            assert study.finished

        hpbandster.write(exported_study(folder), folder)
        assert incumbent is not None and baseline is not None
        with Confirmation.create(
            folder / CONFIRMATION, header=header, seed=0, budget=12
        ) as confirmation:
            confirmation.plan("default", baseline[0].config, 2, tuned=False)
            confirmation.plan("0-0-0", incumbent[0].config, 2, tuned=True)
            for number in range(3):
                run = confirmation.ask()
                assert run is not None
                confirmation.tell(run, _result(number + 1))
            confirmation.ask()

        return {
            name: (folder / name).read_bytes()
            for name in (JOURNAL_NAME, CONFIGS, RESULTS, f"{CONFIRMATION}/{CONFIRMATION_NAME}")
        }


def _result(number: int) -> TrialResult:
    """Every fifth search crashes."""
    if number % 5 == 4:
        return TrialResult(None, {"state": "CRASHED"}, "SearchDiverged: too far")
    loss = 0.05 + 0.01 * number
    info = {"valid_error": loss, "test_error": loss, "test_regret": 0.01, "percentile": 90.0}
    times = {"submitted": 1.0, "started": 1.5, "finished": 9.5, "search_seconds": 8.0}
    return TrialResult(loss, info, None, times)


def _text_of(content: bytes) -> str:
    """As the command line hands it over."""
    return content.decode("utf-8", "surrogateescape")


def _mutate_yaml(content: bytes, random: Random) -> bytes:
    try:
        document = mutate_document(yaml.safe_load(content), random)
        return yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogateescape")
    except (yaml.YAMLError, ValueError):
        return mutate_bytes(content, random)


def _goes_round(spec: StudySpec, folder: Path) -> None:
    path = folder / "again.yaml"
    path.write_text(dump_yaml(spec.model_dump(mode="json")), encoding="utf-8")
    require(load_study(str(path)) == spec, "a study file that is written again says something else")
    complete(spec, str(folder / "study.yaml"))


def _read_study_file(content: bytes, folder: Path) -> None:
    path = folder / "study.yaml"
    path.write_bytes(content)
    _goes_round(load_study(str(path)), folder)


def _read_override(content: bytes, folder: Path) -> None:
    # A file without a word of its own: whatever is wrong, the option has said it.
    path = folder / "study.yaml"
    path.write_bytes(shipped_studies()["quickstart"].read_bytes())
    _goes_round(load_study(str(path), [_text_of(content)]), folder)


def _read_grid(content: bytes, folder: Path) -> None:
    path = folder / "grid.yaml"
    path.write_bytes(content)
    grid = load_grid(str(path))
    if grid is None:
        _goes_round(load_study(str(path)), folder)
        return
    for member in grid.members[:3]:
        again = validated(member.spec.model_dump(mode="json"), "again")
        require(again == member.spec, "a grid's study that is written again says something else")


def _read_journal(content: bytes, folder: Path) -> None:
    path = folder / JOURNAL_NAME
    path.write_bytes(content)
    view = read_study(folder)
    _show(folder)
    with Study.open(folder) as study:
        seen = (study.pending, study.evaluations, study.incumbent, study.brackets)
        require(
            seen == (view.pending, view.evaluations, view.incumbent, view.brackets),
            "a journal means one thing to status and another to resume",
        )
        require(content.startswith(path.read_bytes()), "opening a study changed its journal")
        asked = study.ask()
    require(asked is None or asked in read_study(folder).pending, "an ask was lost")


def _read_confirmation(content: bytes, folder: Path) -> None:
    (folder / JOURNAL_NAME).write_bytes(_a_study()[JOURNAL_NAME])
    path = folder / CONFIRMATION / CONFIRMATION_NAME
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    view = read_confirmation(path.parent)
    with Confirmation.open(path.parent) as confirmation:
        seen = (confirmation.pending, confirmation.evaluations, confirmation.settings)
        require(
            seen == (view.pending, view.evaluations, view.settings),
            "a confirmation means one thing to status and another to confirm",
        )
        confirmation.ask()
    _show(folder)
    read_sources([str(folder)])


def _show(folder: Path) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    show_status(Console(file=terminal, width=80), folder)


def _read_run(name: str, content: bytes, folder: Path) -> None:
    for file in (CONFIGS, RESULTS):
        (folder / file).write_bytes(content if file == name else _a_study()[file])
    prior = read_run(folder, configuration_space("cs2", image_size=8), 12)
    require(json.loads(json.dumps([vars(o) for o in prior])) == [vars(o) for o in prior], "prior")


def _sample(name: str) -> Callable[[], list[bytes]]:
    return lambda: [_a_study()[name]]


def _journals() -> list[bytes]:
    """The journals of a finished study, of a running one, and of one that was extended."""
    whole = _a_study()[JOURNAL_NAME]
    running = b"".join(whole.splitlines(keepends=True)[:-5])
    return [whole, running, _extended(running)]


def _extended(journal: bytes) -> bytes:
    """The journal of a running study that a rule has stopped, with an extension of every kind."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / JOURNAL_NAME
        path.write_bytes(journal)
        with Study.open(path.parent) as study:
            settings = study.settings
            extension = Extension(
                iterations=2,
                max_budget=int(settings.max_budget * settings.eta),
                stop={"gpu_hours": 20},
                add=[dict(study.evaluations[0][0].config)],
                drop=[(trial.id, trial.budget) for trial in study.pending],
            )
            study.reach_stop("evaluations", "5 evaluations")
            study.extend(extension)
            study.ask()
        return path.read_bytes()


def _run_reader(name: str) -> Reader:
    read = partial(_read_run, name)
    return Reader(f"HpBandSter's {name}", _sample(name), mutate_lines, read, name, 2.0)


def _study_files() -> list[bytes]:
    texts = [path.read_bytes() for path in shipped_studies().values()]
    whole = _specification().model_dump(mode="json")
    whole["cluster"]["slurm"] = {"partition": "gpu", "time": "4:00:00", "prologue": ["module load"]}
    # those of one study whose table is shipped
    own = [text for text in texts if b"\ngrid:" not in text and b"\ntable: digits" in text]
    return [dump_yaml(whole).encode(), *own]


def _grids() -> list[bytes]:
    texts = [path.read_bytes() for path in shipped_studies().values()]
    return [text for text in texts if b"\ngrid:" in text]


def _overrides() -> list[bytes]:
    return [
        *(b"seed=1", b"search.channels=8", b"cluster.slurm={partition: gpu}", b"eta=2.5"),
        *(b"cluster.slurm.time='8:00:00'", b"workers=null", b"bohb.top_n_percent=20"),
        *(
            b"table=digits",
            b"space=1",
            b"search={channels: 4, learning_rate: 1e-2}",
            b"objective=draw",
        ),
    ]


READERS = (
    Reader("study files", _study_files, mixed(_mutate_yaml), _read_study_file, ".yaml"),
    Reader("--set", _overrides, mutate_bytes, _read_override, "--set", 2.0),
    Reader("grid files", _grids, mixed(_mutate_yaml), _read_grid, ".yaml", 0.1),
    Reader("journals", _journals, mutate_lines, _read_journal, JOURNAL_NAME, 0.5),
    Reader(
        "confirmations",
        _sample(f"{CONFIRMATION}/{CONFIRMATION_NAME}"),
        mutate_lines,
        _read_confirmation,
        CONFIRMATION_NAME,
        0.5,
    ),
    _run_reader(CONFIGS),
    _run_reader(RESULTS),
)
