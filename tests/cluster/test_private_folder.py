import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.other_user import OTHER, as_other, needs_another_user, shared_folder

from oneshot_hpo.cluster.private_folder import (
    PREFIX,
    NoPrivateFolder,
    make_private,
    private_folder,
    replaceable,
    state_folder,
)


@pytest.fixture
def shared() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


def made_long_ago(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    (folder / "data").write_text("")
    os.utime(folder, (1, 1))
    return folder


def test_a_folder_is_new_private_and_removed_at_the_end(shared: Path) -> None:
    with private_folder(shared) as first, private_folder(shared) as second:
        assert first != second
        assert stat.S_IMODE(first.stat().st_mode) == 0o700
        (first / "deep").mkdir()
        (first / "deep" / "file").write_text("")
    assert list(shared.iterdir()) == []


def test_another_user_can_neither_enter_nor_rename_it(shared: Path) -> None:
    needs_another_user()
    with private_folder(shared) as folder:
        assert as_other('ls "$1"', folder).returncode != 0
        assert as_other('mv "$1" "$1.away"', folder).returncode != 0
        assert folder.is_dir()


def test_the_user_s_cache_replaces_a_folder_where_all_may_rename(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "no sticky bit" in replaceable(shared)
    with private_folder(shared) as folder:
        assert tmp_path.resolve() in folder.parents


def test_a_folder_below_another_user_s_is_not_trusted(shared: Path) -> None:
    needs_another_user()
    inner = shared / "theirs" / "ours"
    inner.mkdir(parents=True)
    os.chown(shared / "theirs", OTHER, OTHER)
    assert replaceable(inner) == f"{shared / 'theirs'} belongs to user {OTHER}"


def test_a_group_s_folder_is_trusted_if_the_group_is_this_user_alone(shared: Path) -> None:
    needs_another_user()
    (shared / "group").mkdir()
    (shared / "group").chmod(0o770)
    assert replaceable(shared / "group") == ""  # root's group
    os.chown(shared / "group", -1, OTHER)
    assert f"group {OTHER} may rename" in replaceable(shared / "group")


def test_without_a_safe_place_one_line_says_so(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared))
    no_place = pytest.raises(
        NoPrivateFolder, match=r"^no folder is safe .*: set TMPDIR to a folder"
    )
    with no_place as error, private_folder(shared):
        pass
    assert "\n" not in str(error.value)
    with pytest.raises(NoPrivateFolder, match="is not safe: all users may rename"):
        make_private(shared / "state")


def test_a_file_in_place_of_the_temporary_folder_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with private_folder(tmp_path / "file" / "scratch") as folder:
        assert (tmp_path / "cache").resolve() in folder.parents


def test_only_folders_of_killed_processes_are_removed(shared: Path) -> None:
    abandoned = made_long_ago(shared / f"{PREFIX}abandoned")
    young = shared / f"{PREFIX}young"
    young.mkdir(mode=0o700)
    victim = made_long_ago(shared / "victim")
    (shared / f"{PREFIX}link").symlink_to(victim)
    with private_folder(shared) as held:
        os.utime(held, (1, 1))
        with private_folder(shared):
            assert held.is_dir()
    assert not abandoned.exists()
    assert young.is_dir()
    assert (victim / "data").exists()


def test_a_user_without_a_home_gets_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(NoPrivateFolder, match="XDG_STATE_HOME"):
        state_folder()


def test_the_default_is_the_folder_for_temporary_files(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    with private_folder() as folder:
        assert folder.parent == shared.resolve()
