"""What a command says where the extra is not installed that it needs."""

import sys
from pathlib import Path

import pytest
from support.study_commands import called


@pytest.mark.parametrize(
    ("package", "words", "what"),
    [
        ("pyarrow", ("baselines", "run", "--methods", "rs", "--dir", "new"), "baselines"),
        ("matplotlib", ("figures", "new"), "figures"),
        ("matplotlib", ("analyze", "operations", "--dir", "new"), "figures"),
        ("pyarrow", ("compare", "old.parquet"), "baselines"),
        ("smac", ("baselines", "run", "--methods", "smac", "--dir", "new"), "smac"),
    ],
)
def test_a_missing_extra_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, words: tuple[str, ...], what: str
) -> None:
    if package == "smac":
        pytest.importorskip("pyarrow", reason="needs the extra baselines")
    (tmp_path / "old.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, package, None)
    ended = called(*words, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert f" needs the package {package}: pip install 'oneshot-hpo[{what}]'" in line
    assert [path.name for path in tmp_path.iterdir()] == ["old.parquet"]


@pytest.mark.slow
def test_all_methods_are_run_that_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra baselines")
    monkeypatch.setitem(sys.modules, "smac", None)
    options = ("--evaluations", 4, "--repetitions", 1, "--workers", 1, "--dir", tmp_path / "new")
    ended = called("baselines", "run", *options)
    assert ended.returncode == 0, ended.stderr
    first = ended.stdout.splitlines()[0]
    assert first == "left out: method smac needs the package smac: pip install 'oneshot-hpo[smac]'"
    for method in ("rs", "re", "reinforce", "tpe", "hyperband", "bohb"):
        assert f" {method} " in ended.stdout
