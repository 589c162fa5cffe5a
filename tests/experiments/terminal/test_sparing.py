import pytest

from oneshot_hpo.experiments.terminal.sparing import Sparing


def test_what_took_long_is_not_due_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("oneshot_hpo.experiments.terminal.sparing.time.monotonic", lambda: now)
    drawing = Sparing()
    assert drawing.due
    with drawing.doing():
        now += 0.5
    assert not drawing.due
    now += 9.9
    assert not drawing.due
    now += 0.2
    assert drawing.due
