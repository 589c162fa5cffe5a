"""Seconds of an epoch over all attempts at it."""

import time

import pytest
import torch

from oneshot_hpo.searchers.stopwatch import Stopwatch

CPU = torch.device("cpu")


def work(watch: Stopwatch, seconds: float) -> None:
    """Let the processor work for so long while the watch counts."""
    watch.start()
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    watch.stop()


def test_what_a_process_waits_for_is_no_processor_time() -> None:
    watch = Stopwatch(CPU)
    work(watch, 0.02)
    worked = watch.processor_seconds
    assert worked is not None
    assert worked >= 0.02
    watch.start()
    time.sleep(0.2)
    watch.stop()
    assert watch.processor_seconds is not None
    assert watch.seconds >= watch.processor_seconds - worked + 0.2


def test_a_later_attempt_adds_to_the_earlier_one() -> None:
    first, second = Stopwatch(CPU), Stopwatch(CPU)
    work(first, 0.02)
    second.load_state_dict(first.state_dict())
    work(second, 0.02)
    assert second.seconds > first.seconds + 0.019
    assert second.processor_seconds == pytest.approx(0.04, abs=0.01)
    second.reset()
    assert (second.seconds, second.processor_seconds) == (0.0, 0.0)


def test_an_earlier_version_kept_wall_clock_seconds_alone() -> None:
    watch = Stopwatch(CPU)
    watch.load_state_dict({"seconds": 3.5})
    assert (watch.seconds, watch.processor_seconds) == (3.5, 3.5)


def test_on_a_gpu_the_processor_waits_for_it() -> None:
    watch = Stopwatch(torch.device("cuda"))
    work(watch, 0.01)
    assert watch.seconds > 0
    assert watch.processor_seconds is None
    watch.load_state_dict(watch.state_dict())
    assert watch.processor_seconds is None
