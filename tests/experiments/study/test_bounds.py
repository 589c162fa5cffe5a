"""Counts with too many digits: refused in one line, before anything is made."""

import sys
from pathlib import Path

import pytest

from oneshot_hpo.experiments import cli

LARGE = 99_999_999_999


@pytest.mark.parametrize(
    "words",
    [
        ("launch", "quickstart", "--set", f"workers={LARGE}"),
        ("launch", "quickstart", "--workers", LARGE),
        ("launch", "quickstart", "--set", f"cluster.threads={LARGE}"),
        ("launch", "quickstart", "--set", f"cluster.max_attempts={LARGE}"),
        ("launch", "quickstart", "--set", f"iterations={LARGE}"),
        ("launch", "quickstart", "--set", f"max_budget={LARGE}"),
        ("launch", "quickstart", "--set", f"search.channels={LARGE}"),
        ("launch", "quickstart", "--set", f"cluster.slurm.max_pending={LARGE}"),
        ("launch", "quickstart", "--set", f"cluster.slurm.cpus={LARGE}"),
        ("launch", "paper", "--set", f"confirm={LARGE}"),
        ("confirm", "nowhere", "--seeds", LARGE),
        ("baselines", "run", "--dir", "made", "--repetitions", LARGE),
        ("baselines", "run", "--dir", "made", "--evaluations", LARGE),
        ("baselines", "run", "--dir", "made", "--workers", LARGE),
        ("baselines", "run", "--dir", "made", "--methods", "re", "--set", f"re.population={LARGE}"),
        ("table", "build", "--out", "made.npz", "--workers", LARGE),
        ("table", "build", "--out", "made.npz", "--repeats", LARGE),
        ("analyze", "correlation", "--supernets", LARGE),
        ("analyze", "correlation", "--workers", LARGE),
        ("search", "--epochs", LARGE),
        ("search", "--set", f"search.batch_size={LARGE}"),
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_a_count_with_too_many_digits_is_refused_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[object, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["oneshot-hpo", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    output, complaint = capsys.readouterr()
    assert output == ""
    (line,) = complaint.splitlines()
    assert line.startswith("error: ")
    assert list(tmp_path.iterdir()) == []
