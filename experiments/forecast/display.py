"""A forecast on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from oneshot_hpo.experiments.forecast.command import GridForecast, StudyForecast
from oneshot_hpo.experiments.forecast.dividing import Division, HoursPlan
from oneshot_hpo.experiments.forecast.forecasting import Forecast, Interval
from oneshot_hpo.experiments.forecast.stopping import by_results
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.experiments.terminal.tables import print_table
from oneshot_hpo.experiments.wording import duration, rough

_HEADINGS = ("", "5 %", "median", "95 %")


def print_study(console: Console, found: StudyForecast) -> None:
    """Print a study's forecast and the alternatives to how it runs."""
    one, advice = found.forecast, found.advice
    workers = _count(one.workers, "worker")
    stopped = one.evaluations < one.planned_evaluations
    planned = f" of {one.planned_evaluations:,}" if stopped else ""
    title = f"{found.name}: {one.evaluations:,}{planned} evaluations on {workers}"
    rows = [
        ("wall time", *_times(one.wall_seconds)),
        ("GPU hours with a trial", *_hours(one.gpu_hours)),
        ("GPU hours held", *_hours(one.held_hours)),
    ]
    print_table(console, _HEADINGS, [rows], title=title)
    say(console, f"workers are idle for {100 * one.idle_share:.0f} % of the time")
    say(console, _pick(one))
    for line in _stops(one):
        say(console, line)
    say(console, f"from {one.simulations} simulations; {one.basis}")

    walls = [(_count(n, "worker"), duration(wall)) for n, wall in advice.wall_by_workers.items()]
    print_table(console, ("", "wall time"), [walls], framed=False)
    enough = _count(advice.enough_workers, "worker")
    say(console, f"more than {enough}: twice as many save less than a fifth of the time")
    if advice.time_limit_hours is not None:
        waste = 100 * advice.waste_by_limit[advice.time_limit_hours]
        limit = duration(3600 * advice.time_limit_hours)
        say(console, f"shortest time limit of a job that wastes little: {limit} ({waste:.0f} %)")
    cost = advice.preemption
    say(
        console,
        f"a preemption costs {duration(cost.gpu_seconds)} of work done again and "
        f"{duration(cost.waiting_seconds)} until another worker has started",
    )
    if found.plan is not None:
        print_plan(console, found.plan)
        if one.stop:
            say(console, "brackets are counted as a whole, as if no stop rule ended the study")


def print_plan(console: Console, plan: HoursPlan) -> None:
    """Print how to divide the hours, the alternatives, and what it rests on."""
    unit = f" {plan.noise.unit}" if plan.noise.unit else ""
    heads = ("", "brackets", "hours", "seeds", "hours, at most", "likely", f"detects,{unit}")
    rows = [_division(words, one) for words, one in (("planned", plan.chosen),)]
    others = [_division("", one) for one in plan.alternatives]
    title = f"{plan.gpu_hours:,.4g} GPU hours between tuning and confirming"
    print_table(console, heads, [rows, others] if others else [rows], title=title)
    chosen = plan.chosen
    say(
        console,
        f"a difference of {chosen.detect:.3g}{unit} is shown in {100 * plan.power:.0f} % of cases, "
        f"after {chosen.mean_seeds:.3g} seeds on average; looks at "
        f"{', '.join(map(str, chosen.looks))}",
    )
    say(
        console,
        f"pairs of seeds differ by {plan.noise.deviation:.3g}{unit} (standard deviation), "
        f"{plan.noise.basis}",
    )
    options = f"--until-decided --max-seeds {chosen.seeds}"
    say(console, f"set iterations={chosen.iterations}; then: oneshot-hpo confirm DIR {options}")


def _division(words: str, one: Division) -> tuple[str, ...]:
    return (
        words,
        f"{one.iterations:,}",
        f"{one.tuning_hours:,.3g}",
        f"{one.seeds:,}",
        f"{one.confirming_hours:,.3g}",
        f"{one.likely_confirming_hours:,.3g}",
        f"{one.detect:.3g}",
    )


def print_grid(console: Console, found: GridForecast) -> None:
    """Print the forecasts of a grid's studies, and of all of them one after the other."""
    rows = [
        (name, *_times(one.wall_seconds), f"{one.gpu_hours.median:,.1f}")
        for name, one in found.studies.items()
    ]
    total = ("all", *_times(found.wall_seconds), f"{found.gpu_hours.median:,.1f}")
    headings = ("wall time", *_HEADINGS[1:], "GPU hours")
    title = f"{found.name}: {_count(len(rows), 'study', 'studies')}, one after the other"
    print_table(console, headings, [rows, [total]], title=title)
    low, _, high = _hours(found.gpu_hours)
    basis = next(iter(found.studies.values())).basis
    say(console, f"{low} to {high} GPU hours in all; {found.simulations} simulations; {basis}")
    rules = {rule for one in found.studies.values() for rule in by_results(one.stop)}
    if rules:
        say(console, _unknown(sorted(rules)))


def _pick(one: Forecast) -> str:
    if one.first_model_pick is None:
        return "no configuration is proposed by the model: there are too few results"
    assert one.first_model_pick_seconds is not None
    return (
        f"the model proposes its first configuration as evaluation {one.first_model_pick}, "
        f"{duration(one.first_model_pick_seconds)} after the launch"
    )


def _stops(one: Forecast) -> Iterator[str]:
    """Which stop rules end a study, and which cannot be forecast."""
    for rule, share in one.stopped_by.items():
        yield f"stop.{rule} ends it in {100 * share:.0f} % of the simulations"
    unknown = by_results(one.stop)
    if unknown:
        yield _unknown(unknown)


def _unknown(rules: Sequence[str]) -> str:
    return f"{' and '.join(rules)} cannot be forecast: results may end a study sooner"


def _times(interval: Interval) -> list[str]:
    return [duration(value) for value in (interval.low, interval.median, interval.high)]


def _hours(interval: Interval) -> list[str]:
    return [rough(value) for value in (interval.low, interval.median, interval.high)]


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"
