"""Imports what lives of a study need: once, in the process from which they are forked."""

from importlib import import_module

import torch
import yaml

from oneshot_hpo.experiments.benchmarks.survival.study import STUDY
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.validation import validated
from oneshot_hpo.searchers.registry import ENTRIES

for module in (
    "cryptography.x509",
    "distributed",
    "oneshot_hpo.cluster.tls",
    "oneshot_hpo.experiments.cli",
    "oneshot_hpo.experiments.confirm.confirming",
    "oneshot_hpo.experiments.cli.exports",
    "oneshot_hpo.experiments.grids.launching",
    "oneshot_hpo.experiments.study.launching",
    "oneshot_hpo.experiments.study.status",
    "oneshot_hpo.hpo.bohb.master",
    "rich.progress",
    "oneshot_hpo.searchers.search",
    "torch._dynamo",  # imported by the first optimizer
    *(entry.target.partition(":")[0] for entry in ENTRIES),
):
    import_module(module)

torch.set_num_threads(1)  # torch's own threads would not outlive a fork
complete(validated(yaml.safe_load(STUDY.format(iterations=1)), "toy"), "toy")
