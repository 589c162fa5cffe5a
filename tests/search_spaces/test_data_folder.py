from pathlib import Path

import pytest

from search_spaces.data_folder import data_folder


def test_the_variable_chooses_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path))
    assert data_folder() == tmp_path


def test_a_relative_folder_is_taken_from_here_and_a_tilde_from_home(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONESHOT_HPO_DATA", "data")
    assert data_folder() == tmp_path / "data"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ONESHOT_HPO_DATA", "~/data")
    assert data_folder() == tmp_path / "home" / "data"


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_it_is_the_users_own(monkeypatch, value):
    monkeypatch.delenv("ONESHOT_HPO_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("ONESHOT_HPO_DATA", value)
    folder = data_folder()
    assert folder.is_absolute() and folder.name == "oneshot-hpo"
    assert folder.is_relative_to(Path.home())
