"""The export formats. Adding a tool takes one file with `write` and one entry here."""

from __future__ import annotations

from dataclasses import dataclass

from oneshot_hpo.plugins import Entry


@dataclass(frozen=True, kw_only=True)
class Tool(Entry):
    """A tool that reads an export. Its target writes a study into a new folder, or sends it."""

    reading: str
    """How to read an export: {folder} is its path, {quoted} the path quoted for a shell."""
    has_space: bool = False
    """Whether it has a configspace.json, which can be written in an older form."""
    continued: str | None = None
    """A file to which the next export appends, so that readers can keep it open."""
    sends: bool = False
    """Whether its target is a class of runs at an address, which has no folder: {folder} is it."""
    named: bool = False
    """Whether its reader takes the folder's name as the study's name."""


_HERE = "oneshot_hpo.experiments.exports"

ENTRIES = (
    Tool(
        kind="export",
        name="hpbandster",
        target=f"{_HERE}.hpbandster:write",
        summary="configs.json and results.json of HpBandSter",
        reading="hpbandster.core.result.logged_results_to_HBS_result({folder!r})",
        has_space=True,
    ),
    Tool(
        kind="export",
        name="deepcave",
        target=f"{_HERE}.deepcave:write",
        summary="a run of BOHB as DeepCAVE reads it",
        reading="deepcave --open, which needs Python below 3.11, and there the run {folder}",
        has_space=True,
        named=True,
    ),
    Tool(
        kind="export",
        name="optuna",
        target=f"{_HERE}.optuna:write",
        summary="a journal storage of Optuna",
        reading="optuna-dashboard {quoted}/journal.log",
        continued="journal.log",
    ),
    Tool(
        kind="export",
        name="tensorboard",
        target=f"{_HERE}.tensorboard:write",
        summary="TensorBoard's event files, a run per trial",
        reading="tensorboard --logdir {quoted}",
        extra="export",
    ),
    Tool(
        kind="export",
        name="mlflow",
        target=f"{_HERE}.mlflow:MlflowRuns",
        summary="runs of an MLflow server or database",
        reading="mlflow ui --backend-store-uri {quoted}",
        sends=True,
        extra="mlflow",
    ),
    Tool(
        kind="export",
        name="csv",
        target=f"{_HERE}.csv_files:write",
        summary="two tables, trials.csv and epochs.csv",
        reading="{folder}/trials.csv, {folder}/epochs.csv",
    ),
)
TOOLS = {tool.name: tool for tool in ENTRIES}

BUNDLE = "bundle"
"""The name of what no tool reads but `oneshot-hpo check`: several studies for a paper."""
STUDY_FOLDER = "folder"
"""Likewise: one study, as a bundle holds it."""
