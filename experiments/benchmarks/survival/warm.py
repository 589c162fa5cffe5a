"""What lives of a study need, loaded by import: once, in the process that they are forked from."""

from importlib import import_module

import torch
import yaml

from experiments.benchmarks.survival.study import STUDY
from experiments.study_file import complete, validated
from searchers.registry import SEARCHERS

for module in (
    "cryptography.x509",
    "distributed",
    "cluster.tls",
    "experiments.cli",
    "experiments.confirm.confirming",
    "experiments.exports.command",
    "experiments.grids.command",
    "experiments.launching",
    "experiments.status",
    "hpo.master",
    "rich.progress",
    "searchers.search",
    "torch._dynamo",  # imported by the first optimizer
    *(module for module, _, _ in SEARCHERS.values()),
):
    import_module(module)

torch.set_num_threads(1)  # torch's own threads would not outlive a fork
complete(validated(yaml.safe_load(STUDY.format(iterations=1)), "toy"), "toy")
