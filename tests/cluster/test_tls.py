import stat
from pathlib import Path

from oneshot_hpo.cluster.tls import CREDENTIALS, new_security, remove_old_key, write_private


def old_folder(folder: Path) -> Path:
    """Files of an earlier version."""
    folder.mkdir()
    for name in ("certificate.pem", "key.pem", "scheduler.json", "worker.sh"):
        (folder / name).write_text(name)
    return folder


def test_each_pool_has_a_new_certificate_readable_by_its_owner_only(tmp_path: Path) -> None:
    assert new_security(tmp_path).require_encryption
    assert stat.S_IMODE((tmp_path / CREDENTIALS).stat().st_mode) == 0o600
    before = (tmp_path / CREDENTIALS).read_bytes()
    new_security(tmp_path)
    assert (tmp_path / CREDENTIALS).read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == [CREDENTIALS]


def test_a_key_in_a_study_s_folder_is_removed(tmp_path: Path) -> None:
    assert not remove_old_key(tmp_path, "tls")
    assert not remove_old_key(tmp_path / "nowhere", "tls")
    old_folder(tmp_path / "tls")
    assert remove_old_key(tmp_path, "tls")
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_is_removed_and_no_link_is_followed(tmp_path: Path) -> None:
    victim = old_folder(tmp_path / "victim")
    study = tmp_path / "study"
    study.mkdir()
    (study / "tls").symlink_to(victim)
    (tmp_path / "linked").symlink_to(tmp_path)
    assert not remove_old_key(study, "tls")
    assert not remove_old_key(tmp_path / "linked", "victim")
    assert len(list(victim.iterdir())) == 4

    (study / "tls").unlink()
    (old_folder(study / "tls") / "notes").write_text("mine")
    assert remove_old_key(study, "tls")
    assert [path.name for path in (study / "tls").iterdir()] == ["notes"]


def test_a_private_file_replaces_a_readable_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
