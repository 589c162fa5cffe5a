import stat
from pathlib import Path

from cluster.tls import CERTIFICATE, KEY, study_security, write_private


def test_a_certificate_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "study" / "tls"
    security = study_security(folder)
    assert security.require_encryption
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    before = (folder / CERTIFICATE).read_bytes(), (folder / KEY).read_bytes()
    study_security(folder)
    assert ((folder / CERTIFICATE).read_bytes(), (folder / KEY).read_bytes()) == before


def test_half_a_certificate_is_made_anew(tmp_path: Path) -> None:
    study_security(tmp_path)
    key = (tmp_path / KEY).read_bytes()
    (tmp_path / CERTIFICATE).unlink()
    study_security(tmp_path)
    assert (tmp_path / KEY).read_bytes() != key


def test_a_private_file_takes_the_place_of_a_readable_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
