"""The objectives by name."""

from oneshot_hpo.plugins import Entry

_TABLE = "oneshot_hpo.experiments.objectives.of_table"

ENTRIES = (
    Entry(
        kind="objective",
        name="mean",
        target=f"{_TABLE}:Mean",
        summary="mean validation error of the table's repeats",
    ),
    Entry(
        kind="objective",
        name="draw",
        target=f"{_TABLE}:Draw",
        summary="validation error of one of the table's repeats, drawn by the trial's seed",
    ),
    Entry(
        kind="objective",
        name="test_mean",
        target=f"{_TABLE}:MeanOnTest",
        summary="mean test error of the table's repeats: selection on test",
    ),
    Entry(
        kind="objective",
        name="train",
        target="oneshot_hpo.experiments.objectives.train:FromScratch",
        summary="validation error of the found architecture, trained from scratch",
    ),
)
