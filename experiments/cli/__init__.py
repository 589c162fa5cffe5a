"""The command line: a file a command. Typer is imported here alone."""

from oneshot_hpo.experiments.cli.start import start_cleanly

# Before anything else is imported, which may be somebody else's file.
start_cleanly()

from oneshot_hpo.cluster.dask_settings import import_dask_without_user_settings  # noqa: E402

# Before anything imports Dask.
import_dask_without_user_settings()


def main() -> None:
    """Run the command line, the program `oneshot-hpo`."""
    from oneshot_hpo.experiments.cli import app

    app.main()
