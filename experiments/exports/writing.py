"""Writes a study for one of the tools of the registry."""

from __future__ import annotations

from pathlib import Path

from oneshot_hpo import plugins
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.folder import export_folder
from oneshot_hpo.experiments.exports.registry import BUNDLE, STUDY_FOLDER, TOOLS
from oneshot_hpo.experiments.exports.space_file import FORMS
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.suggestions import did_you_mean


def write_export(
    study: OpenedStudy,
    target: Path,
    tool: str,
    configspace: str | None = None,
    *,
    force: bool = False,
) -> None:
    """Write a study for a tool, whole or not at all, in place of an earlier export of it.

    configspace: the form of configspace.json, if it is not the usual one. force: also in place of
    another study's export.

    UserError: there is no such tool or form, or `target` is something else or cannot be written.
    MissingPackage: the tool's own package is not installed.
    """
    options = writer_options(tool, configspace)
    write = plugins.find("export", tool)

    with export_folder(
        target,
        study,
        tool,
        force=force,
        continued=TOOLS[tool].continued,
        configspace=configspace,
    ) as new:
        write(study, new, **options)


def writer_options(tool: str, configspace: str | None) -> dict[str, str]:
    """The options of a tool's writer. UserError: an unknown tool, or an option it does not have."""
    if tool not in TOOLS:
        there = [*TOOLS, BUNDLE, STUDY_FOLDER]
        raise UserError(f"--to {tool}: {did_you_mean(tool, there, with_all=True)}")
    if configspace is None:
        return {}
    if not TOOLS[tool].has_space:
        known = ", ".join(name for name, one in TOOLS.items() if one.has_space)
        raise UserError(f"--configspace is for {known}: no other export has a configspace.json")
    if configspace not in FORMS:
        raise UserError(f"--configspace {configspace}: there are {', '.join(FORMS)}")
    return {"configspace": configspace}
