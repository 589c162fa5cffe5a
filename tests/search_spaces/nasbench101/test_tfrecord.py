import hashlib
import io
import struct

import google_crc32c
import pytest
from support.tfrecord_writer import frame

from oneshot_hpo.search_spaces.nasbench101.tfrecord import masked_crc, read_records
from oneshot_hpo.search_spaces.table import TableError

RECORDS = [b"first", b"", b"\x00" * 300, b"last"]
WHOLE = b"".join(map(frame, RECORDS))


def records(content: bytes) -> list[bytes]:
    return list(read_records(io.BytesIO(content), len(content), "a.tfrecord", lambda _: None))


def test_crc_is_castagnoli_s_masked():
    """The check value of CRC-32C; the mask by its definition."""
    assert google_crc32c.value(b"123456789") == 0xE3069283
    rotated = (0xE3069283 >> 15) | (0xE3069283 << 17 & 0xFFFFFFFF)
    assert masked_crc(b"123456789") == (rotated + 0xA282EAD8) % 2**32


def test_records_come_back_in_order():
    assert records(WHOLE) == RECORDS


def test_every_byte_is_shown_once():
    digest = hashlib.sha256()
    list(read_records(io.BytesIO(WHOLE), len(WHOLE), "a.tfrecord", digest.update))
    assert digest.digest() == hashlib.sha256(WHOLE).digest()


def test_every_flipped_bit_is_found():
    for place in range(len(WHOLE)):
        damaged = bytearray(WHOLE)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(TableError, match=r"a\.tfrecord: (damaged|not a TFRecord|cut short)"):
            records(bytes(damaged))


def test_a_file_cut_inside_a_record_is_found():
    ends, position = {0}, 0
    for record in RECORDS:
        position += len(frame(record))
        ends.add(position)
    for length in set(range(len(WHOLE))) - ends:
        with pytest.raises(TableError, match=r"a\.tfrecord: cut short"):
            records(WHOLE[:length])


def test_a_huge_length_with_a_right_checksum_is_not_believed():
    length = struct.pack("<Q", 1 << 62)
    with pytest.raises(TableError, match="cut short"):
        records(length + struct.pack("<I", masked_crc(length)) + b"data")


def test_a_file_that_shrinks_while_it_is_read_is_found():
    with pytest.raises(TableError, match="became shorter"):
        list(read_records(io.BytesIO(WHOLE[:-6]), len(WHOLE), "a.tfrecord", lambda _: None))


def test_foreign_and_empty_files_are_named():
    with pytest.raises(TableError, match="not a TFRecord file"):
        records(b"PK\x03\x04 and so on, long enough")
    with pytest.raises(TableError, match="holds no records"):
        records(b"")
