"""A file is written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from oneshot_hpo.whole_files import name_behind, whole_file, write_whole


def test_a_file_is_there_once_its_body_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with whole_file(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
        (draft,) = set(tmp_path.iterdir()) - {path}
        assert name_behind(draft) == "file"
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fault", [OSError("full"), KeyboardInterrupt(), ValueError("mine")])
def test_a_body_that_fails_leaves_what_was_there(tmp_path: Path, fault: BaseException) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(type(fault)), whole_file(path, previous=tmp_path / "before") as file:
        file.write(b"half")
        raise fault
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_the_file_of_before_can_keep_a_name(tmp_path: Path) -> None:
    path, before = tmp_path / "file", tmp_path / "before"
    for content in (b"1", b"2", b"3"):
        write_whole(path, content, previous=before)
    assert (path.read_text(), before.read_text()) == ("3", "2")


def test_permissions_are_those_that_were_wanted(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_whole(tmp_path / "mine", b"", mode=0o600)
        write_whole(tmp_path / "ours", b"")
    finally:
        os.umask(old)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("mine", "ours")]
    assert modes == [0o600, 0o640]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("theirs")
    path, draft = tmp_path / "file", tmp_path / "draft"
    for link in (path, draft):
        link.symlink_to(foreign)
    with whole_file(path, draft=draft) as file:
        file.write(b"mine")
    assert foreign.read_text() == "theirs"
    assert path.read_text() == "mine" and not path.is_symlink()
    assert not os.path.lexists(draft)
