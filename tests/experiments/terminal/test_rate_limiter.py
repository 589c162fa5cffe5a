import pytest

from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter


def test_work_that_takes_long_is_not_due_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("oneshot_hpo.experiments.terminal.rate_limiter.time.monotonic", lambda: now)
    limiter = RateLimiter()
    assert limiter.is_due
    with limiter.measured():
        now += 0.5
    assert not limiter.is_due
    now += 9.9
    assert not limiter.is_due
    now += 0.2
    assert limiter.is_due
