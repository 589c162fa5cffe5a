from pathlib import Path

import pytest

from oneshot_hpo.search_spaces.data_folder import NoDataFolder, data_folder


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


def test_a_user_without_a_home_learns_which_variable_to_set(monkeypatch):
    """For example a user of a container who is not in the user database."""
    import pwd

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in ("ONESHOT_HPO_DATA", "HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(NoDataFolder, match="no home folder: set HOME, or ONESHOT_HPO_DATA"):
        data_folder()
    monkeypatch.setenv("ONESHOT_HPO_DATA", "~/data")
    with pytest.raises(NoDataFolder):
        data_folder()
