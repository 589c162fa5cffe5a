"""The reader of archives against Python's own, on archives that both take."""

import io
import tarfile

import pytest

from oneshot_hpo.experiments.data.tar_reader import TarFault, members

NAMES = (
    *("short", "folder/name", "a" * 99, "b" * 100, "c" * 101, "d/" * 90 + "file", "e" * 700),
    *("größe", "x y", "f" * 155 + "/" + "g" * 99),
)


def archive(form: int) -> bytes:
    """Files, a folder and links, with every kind of name that the format knows."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form, pax_headers={}) as out:
        for size, name in enumerate(NAMES):
            member = tarfile.TarInfo(name)
            member.size = size * 300
            try:
                out.addfile(member, io.BytesIO(name.encode()[:1] * member.size))
            except ValueError:  # too long for ustar
                continue
        for kind, target in ((tarfile.SYMTYPE, "e" * 300), (tarfile.DIRTYPE, "")):
            member = tarfile.TarInfo(f"special {kind.decode()}")
            member.type, member.linkname = kind, target if form != tarfile.USTAR_FORMAT else "short"
            out.addfile(member)
    return buffer.getvalue()


def content_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member) if member.isfile() else None
    return b"" if stream is None else stream.read()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_those_that_tarfile_finds(form: int) -> None:
    content = archive(form)
    with tarfile.open(fileobj=io.BytesIO(content)) as theirs:
        expected = [(m.name, m.size, m.isfile(), m.isdir(), content_of(theirs, m)) for m in theirs]
    found = []
    for member in members(io.BytesIO(content)):
        read = b"".join(iter(lambda member=member: member.read(500), b""))
        found.append((member.name, member.size, member.is_file, member.is_folder, read))
    assert found == expected
    assert len(found) >= len(NAMES)


def test_what_is_not_read_is_passed_over() -> None:
    names = [member.name for member in members(io.BytesIO(archive(tarfile.PAX_FORMAT)))]
    assert names[: len(NAMES)] == list(NAMES)


@pytest.mark.parametrize("cut", [1, 511, 513, 1200])
def test_an_archive_that_is_cut_short_is_reported(cut: int) -> None:
    content = archive(tarfile.GNU_FORMAT)[: 512 * 5 + cut]
    with pytest.raises(TarFault):
        for member in members(io.BytesIO(content)):
            member.read(1 << 20)
    with pytest.raises(TarFault):
        list(members(io.BytesIO(b"no archive at all")))


BAD_NOTES = (
    *(b"7 path\n", b"99 path=x\n", b"x path=x\n", b"10 path=x", b"13 size=-512\n", b"0 a=b\n"),
)


@pytest.mark.parametrize("note", BAD_NOTES)
def test_an_impossible_header_is_reported(note: bytes) -> None:
    header = tarfile.TarInfo("note")
    header.type, header.size = tarfile.XHDTYPE, len(note)
    content = header.tobuf() + note.ljust(512, b"\0") + tarfile.TarInfo("file").tobuf()
    with pytest.raises(TarFault, match=r"cannot be read|is no number"):
        list(members(io.BytesIO(content)))
