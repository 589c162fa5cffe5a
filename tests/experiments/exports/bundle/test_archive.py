"""Archives that are no bundles, or that somebody made to harm their reader."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from oneshot_hpo.experiments.exports.bundle.archive import BadBundle, is_bundle, read_bundle
from oneshot_hpo.experiments.exports.bundle.layout import names_of

GOOD = {"bundle.json": b"{}", "studies/a/journal.jsonl.xz": b"x"}


def zipped(path: Path, members: dict[str, bytes], **changes: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            for key, value in changes.items():
                setattr(member, key, value)
            archive.writestr(member, content)
    return path


def test_a_zip_and_its_folder_are_the_same(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", GOOD)
    assert is_bundle(path)
    assert read_bundle(path) == GOOD
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "b")
    assert is_bundle(tmp_path / "b")
    assert read_bundle(tmp_path / "b") == GOOD


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../evil.txt",
            "/etc/passwd",
            "studies/../x",
            "studies/a/run.py",
            "studies/.a/study.yaml",
        ),
        *("figures/a.html", "figures/a/b.png", "studies/a/b/study.yaml", "C:\\x", "setup.py"),
        "studies/" + "a" * 200 + "/study.yaml",
    ],
)
def test_names_that_no_bundle_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadBundle, match=r"is no file of a bundle|is no plain file"):
        read_bundle(zipped(tmp_path / "b.zip", GOOD | {name: b"x"}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip"]


def test_links_compressed_and_double_members(tmp_path: Path) -> None:
    path = zipped(tmp_path / "l.zip", GOOD, external_attr=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(BadBundle, match="is no plain file"):
        read_bundle(path)
    path = zipped(tmp_path / "c.zip", {"bundle.json": bytes(1 << 20)}, compress_type=8)
    with pytest.raises(BadBundle, match="is compressed"):
        read_bundle(path)
    path = tmp_path / "d.zip"
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bundle.json", b"{}")
        archive.writestr("bundle.json", b"[]")
    with pytest.raises(BadBundle, match="is there twice"):
        read_bundle(path)


def test_limits_hold_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "oneshot_hpo.experiments.exports.bundle.archive"
    path = zipped(tmp_path / "b.zip", {f"figures/{n}.png": bytes(100) for n in range(30)})
    for limit, words in (("MOST_FILES", "more than 20 files"), ("LARGEST", "has more than")):
        with monkeypatch.context() as patch:
            patch.setattr(f"{place}.{limit}", 20)
            with pytest.raises(BadBundle, match=words):
                read_bundle(path)
    with monkeypatch.context() as patch:
        patch.setattr(f"{place}.MOST", 2000)
        with pytest.raises(BadBundle, match="too much for a bundle"):
            read_bundle(path)


def test_damaged_and_other_files(tmp_path: Path) -> None:
    path = zipped(tmp_path / "b.zip", GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(b"bundle.json{}") + 11] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadBundle, match="damaged"):
        read_bundle(path)
    path.write_bytes(content[:50])
    with pytest.raises(BadBundle, match="is no bundle, or damaged"):
        read_bundle(path)
    (tmp_path / "x.zip").write_bytes(b"text")
    assert not is_bundle(tmp_path / "x.zip")
    assert not is_bundle(tmp_path / "none")


def test_links_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b" / "studies").mkdir(parents=True)
    (tmp_path / "b" / "bundle.json").write_bytes(b"{}")
    (tmp_path / "b" / "studies" / "a").symlink_to("/etc")
    with pytest.raises(BadBundle, match="is a link"):
        read_bundle(tmp_path / "b")


def test_studies_have_names_of_their_own() -> None:
    assert names_of(["a", "b", "a"]) == ["a", "b", "a-2"]
    assert names_of(["äöü x/..", "..", "_a_", "a" * 300])[2:] == ["a", "a" * 60]
    assert names_of(["..", ".."]) == ["study", "study-2"]
