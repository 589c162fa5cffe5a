"""The learning rate that `arch_learning_rate: scaled` gives the searches of a study, in words."""

from __future__ import annotations

from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo.brackets import rung_budgets
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.schedules import architecture_rate


def rate_lines(spec: StudySpec) -> list[str]:
    """A line with the rate at each budget, for the default configuration; none if it is set."""
    if spec.command is not None:
        return []
    settings = spec.search_settings.with_config(spec.default_settings)
    if not settings.has_scaled_rate:
        return []
    images = len(load_dataset(spec.required_dataset).supernet_train)
    rates = [
        f"{architecture_rate(settings, images, max(1, round(budget))):.3g} at {budget:g} epochs"
        for budget in rung_budgets(spec.optimizer_settings)
    ]
    return [f"arch_learning_rate scaled is, by default, {', '.join(rates)}"]
