"""The metrics of NAS-Bench-201, and this project's names of its data sets."""

from __future__ import annotations

from oneshot_hpo.search_spaces.table import COST, LOSS, Metric

NAME = "NAS-Bench-201"
CELLS = 15_625
DATASETS = ("cifar10", "cifar100", "imagenet16")
"""imagenet16 is ImageNet16-120."""
BUDGETS = (12, 200)
"""Epochs; each is a training of its own, with its own schedule of the learning rate."""

ERROR_METRIC = Metric()
LOSS_METRIC = Metric(kind=LOSS)
SECONDS = LATENCY = Metric("s", kind=COST)
PARAMETERS = Metric(kind=COST)
MACS = Metric("M", kind=COST)

TIME_NOTE = (
    "seconds are of training alone; the benchmark has one time per epoch for both schedules, so "
    "those of 12 epochs are 12/200 of those of 200"
)
