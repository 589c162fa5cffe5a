"""The command line: its groups of commands, and how a command ends."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any

import typer
import typer.core

from oneshot_hpo.experiments.cli import (
    analyze,
    atlas,
    baselines,
    check,
    compare,
    confirm,
    data,
    exports,
    figures,
    forecast,
    report,
    search,
    studies,
    table,
)
from oneshot_hpo.experiments.cli.exit_codes import INTERRUPTED, STOPPED, USER_ERROR
from oneshot_hpo.experiments.errors import (
    CommandInterrupted,
    StudyStopped,
    UserError,
    is_user_error,
    one_line,
)
from oneshot_hpo.experiments.terminal.console import (
    OUTPUT_GONE,
    discard_output,
    open_standard_files,
)

HELP = """Tune one-shot architecture search with BOHB, journaled and resumable.

The everyday path: launch a study, follow it with status, resume it after a stop, confirm the tuned
configuration with fresh seeds, compare it with the default, write a report.

Example: oneshot-hpo launch quickstart
"""
RUN, LOOK, PUBLISH, DATA, ONE = (
    *("Run a study", "Look at a study", "Compare and publish"),
    *("Benchmarks and data", "One search"),
)

# The base of usage errors; not public, and not in the package click where typer brings its own.
_ClickException: Any = typer.BadParameter.__mro__[2]


class _Commands(typer.core.TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """Their names in the order in which they are declared: group by group."""
        return list(self.commands)


app = typer.Typer(
    cls=_Commands,
    name="oneshot-hpo",
    help=HELP,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def main() -> None:
    """Run the command line; a user's error is one line on standard error and exit code 2.

    SIGTERM ends a command as Ctrl-C does. Standard output that is closed, or that nobody reads any
    more, ends it with a line and exit code 1.
    """
    open_standard_files()
    if sys.stdout is None:
        sys.exit(_fail("standard output is closed: send it to a file, or to /dev/null", STOPPED))
    code = _ran()

    try:
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        gone = isinstance(error, BrokenPipeError)
        code = _fail(OUTPUT_GONE if gone else one_line(error), STOPPED)
    exec("")  # an interrupt within an exec, as imports make them, would else end Python by SIGINT
    sys.exit(code)


def _ran() -> int:
    """Run the command, print what went wrong, and return the exit code."""
    code: int
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _check_arguments()
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        if code == INTERRUPTED:  # typer's way to end a command that has no words for Ctrl-C
            print("stopped", file=sys.stderr)

    except _ClickException as error:
        problem = error.format_message()
        if "\n" in problem:  # no problem but help, for a group without a command
            print(problem)
            code = USER_ERROR
        else:
            code = _fail(f"{problem} (oneshot-hpo --help)", USER_ERROR)

    except CommandInterrupted as interruption:
        print(one_line(interruption), file=sys.stderr)
        code = INTERRUPTED
    except (typer.Abort, KeyboardInterrupt):  # no command has begun
        print("stopped", file=sys.stderr)
        code = INTERRUPTED

    except StudyStopped as error:
        code = _fail(one_line(error), STOPPED)
    except ValueError as error:
        if not is_user_error(error):
            raise
        code = _fail(one_line(error), USER_ERROR)
    except SystemExit as end:  # typer's way to end, without a word
        if not end.code:  # shell completion: what it printed is all
            return 0
        discard_output()  # nobody reads what it prints
        code = _fail(OUTPUT_GONE, STOPPED)
    except OSError as error:  # a disk that is full, gone or cannot be read
        code = _fail(one_line(error), STOPPED)
    return code


def _check_arguments() -> None:
    """UserError for one that no message, journal or page could show."""
    for argument in sys.argv[1:]:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UserError(
                f"the argument {argument!r} is not UTF-8: give the file or folder another name"
            ) from None


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"oneshot-hpo {version('oneshot-hpo')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Read the options before a command."""


def _add(
    group: str, command: Any, example: str, name: str | None = None, *, hidden: bool = False
) -> None:
    """A command in its group of the help; its own help ends with an example."""
    epilog = f"Example: oneshot-hpo {example}"
    if isinstance(command, typer.Typer):
        app.add_typer(command, rich_help_panel=group, epilog=epilog)
    else:
        app.command(name, rich_help_panel=group, epilog=epilog, hidden=hidden)(command)


_add(RUN, forecast.forecast, "forecast quickstart --workers 4")
_add(RUN, studies.launch, "launch quickstart --dir runs/first --set seed=1")
_add(RUN, studies.resume, "resume runs/first")
_add(RUN, studies.extend, "extend runs/first --iterations 4")
_add(RUN, studies.stop, "stop runs/first")
_add(RUN, studies.show, "show quickstart > mine.yaml")
_add(LOOK, studies.status, "status runs/first --watch")
_add(LOOK, report.report, "report runs/first")
_add(LOOK, check.check, "check runs/first")
_add(PUBLISH, confirm.confirm, "confirm runs/first --seeds 10")
_add(PUBLISH, compare.compare, "compare runs/first --table table.tex")
_add(PUBLISH, figures.figures, "figures runs/first runs/baselines")
_add(PUBLISH, exports.export, "export runs/first --to csv")
_add(PUBLISH, exports.import_, "import RUN_DIR study.yaml", "import", hidden=True)
_add(DATA, data.app, "data fetch")
_add(DATA, table.app, "table build --dataset images.npz --out mine.npz")
_add(DATA, baselines.app, "baselines run --methods re,tpe --dir runs/baselines")
_add(DATA, atlas.atlas, "atlas --study runs/first")
_add(DATA, analyze.app, "analyze correlation")
_add(ONE, search.search, "search --searcher gdas --epochs 9")
