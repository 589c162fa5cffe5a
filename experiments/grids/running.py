"""A grid in its folder: one study after the other, each in a folder of its own.

    <grid>/
      grid.yaml       the grid, with every override
      <member>/       a study

A member is resumed as any study is; one that another process works on is left to it, so
several processes can share a grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.confirm.confirming import confirm_study
from oneshot_hpo.experiments.errors import CommandInterrupted, StudyStopped, UserError
from oneshot_hpo.experiments.files import check_own_files
from oneshot_hpo.experiments.grids.grid import GRID_FILE, Grid, Member, make_grid
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import check_path
from oneshot_hpo.experiments.study.launching import (
    Foreseen,
    launch_frozen,
    not_foreseen,
    resume_study,
)
from oneshot_hpo.experiments.study.opened import OpenedStudy, open_if_there
from oneshot_hpo.experiments.study.pools import DaskCluster
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trust import (
    NOTHING_SAID,
    Consent,
    check_code_trusted,
    check_trusted,
)
from oneshot_hpo.experiments.study.yaml_files import YamlError, dump_yaml, load_yaml
from oneshot_hpo.experiments.terminal.console import terminal
from oneshot_hpo.experiments.terminal.hints import command, say
from oneshot_hpo.hpo import StudyLocked
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.whole_files import write_whole


@dataclass(frozen=True)
class RunOptions:
    """The way in which a grid's studies are run."""

    submit: bool = False
    """With masters that are SLURM jobs, so that the studies run side by side."""
    cluster: DaskCluster | None = None
    """Whose workers are to be used instead of the studies' own."""
    workers: int | None = None
    """Instead of the number in the file."""
    consent: Consent = NOTHING_SAID
    foreseen: Foreseen = not_foreseen
    """The forecasts that the studies keep in their journals."""


def launch_grid(
    console: Console, grid: Grid, folder: Path, only: Sequence[str], options: RunOptions
) -> None:
    """Run the chosen studies, or what is left of them, one after the other.

    folder: checked by `check_folder`. UserError: bad input, or commands that are not trusted;
    nothing is made then. StudyStopped: a study cannot continue here.
    """
    members = grid.chosen(only)
    specs = {
        member.name: _spec(member, options)
        for member in members
        if not (folder / member.name / JOURNAL_NAME).exists()
    }
    check_code_trusted(console, specs.values(), options.consent)
    specs = {name: freeze(complete(spec, f"{grid.name}, {name}")) for name, spec in specs.items()}
    check_trusted(console, [*specs.values(), *_begun(members, folder)], options.consent)
    for spec in specs.values():
        options.foreseen(spec)  # raises before anything is made

    folder.mkdir(parents=True, exist_ok=True)
    for member in grid.members:
        own_code.keep_copies(member.spec, folder)
    write_whole(folder / GRID_FILE, dump_yaml(dict(grid.document)).encode())

    left = []
    for place, member in enumerate(members, start=1):
        own = folder / member.name
        study = open_if_there(own)
        if is_done(grid, study):
            continue

        heading = f"[{place}/{len(members)}] {member.name}"
        say(console, heading, style="bold")
        try:
            _run_member(console, grid, own, study, specs.get(member.name), options)
        except StudyLocked:
            left.append(member.name)
            say(console, "another process works on it")
        except (StudyStopped, CommandInterrupted):
            say(terminal(stderr=True), f"to run the rest: {resume_command(folder, only)}")
            raise

    if left:
        say(console, f"left to other processes: {', '.join(left)}")
    if options.submit:
        say(console, f"once they have finished: {resume_command(folder, only)}")


def _begun(members: Sequence[Member], folder: Path) -> Iterator[StudySpec]:
    """The specifications in the journals of members that have begun."""
    for member in members:
        study = open_if_there(folder / member.name)
        if study is not None:
            yield study.spec


def resume_command(folder: Path, only: Sequence[str]) -> str:
    """The command that runs the rest of a grid."""
    words = [word for one in only for word in ("--only", one)]
    return command("launch", folder / GRID_FILE, "--dir", folder, *words)


def _run_member(
    console: Console,
    grid: Grid,
    folder: Path,
    study: OpenedStudy | None,
    spec: StudySpec | None,
    options: RunOptions,
) -> None:
    """Launch a study if `spec` is given, else resume it; then confirm it if the grid says so.

    study: the one in `folder` so far, if there is one.
    """
    if spec is not None:
        launch_frozen(
            console,
            spec,
            folder,
            submit=options.submit,
            cluster=options.cluster,
            forecast=options.foreseen(spec),
        )
    elif study is None or not study.view.finished:
        resume_study(
            console,
            folder,
            options.workers,
            [],
            submit=options.submit,
            as_job=False,
            cluster=options.cluster,
            consent=options.consent,
        )

    if grid.confirm is not None and OpenedStudy(folder).view.finished:
        confirm_study(
            console,
            folder,
            grid.confirm,
            workers=options.workers,
            cluster=options.cluster,
            submit=options.submit,
            consent=options.consent,
        )


def is_done(grid: Grid, study: OpenedStudy | None) -> bool:
    """Whether a member's study is finished, and its confirmation if there is to be one."""
    if study is None or not study.view.finished:
        return False
    if grid.confirm is None:
        return True
    return study.confirmation is not None and study.confirmation.finished


def opened_grid(folder: Path) -> Grid:
    """The grid whose folder this is. UserError: its file cannot be read."""
    path = folder / GRID_FILE
    try:
        return make_grid(load_yaml(path.read_text(encoding="utf-8")), str(path))
    except (YamlError, OSError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None


def _spec(member: Member, options: RunOptions) -> StudySpec:
    return member.spec.model_copy(update={"workers": options.workers or member.spec.workers})


def check_folder(folder: Path, grid: Grid) -> None:
    """UserError unless the grid can begin or continue in `folder`."""
    check_path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; choose another folder with --dir")
    check_own_files(folder, (GRID_FILE, *(member.name for member in grid.members)))
    if (folder / GRID_FILE).exists():
        if opened_grid(folder).document != grid.document:
            raise UserError(
                f"{folder} holds another grid, which {resume_command(folder, [])} runs to its end; "
                "choose another folder with --dir"
            )
    elif folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty and holds no grid; choose another with --dir")
