"""The folder of one study out of a bundle: checked without its table, and every change is found."""

from __future__ import annotations

import json
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.study_commands import called

from oneshot_hpo.experiments.check.bundles import verify_bundle
from oneshot_hpo.experiments.exports.bundle.archive import BadBundle
from oneshot_hpo.experiments.exports.bundle.data import data_of, packed
from oneshot_hpo.experiments.exports.bundle.layout import CONFIRMED, JOURNAL
from oneshot_hpo.experiments.exports.bundle.stage import made_of
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo.journal.line import sealed, unsealed
from oneshot_hpo.search_spaces import table_file
from oneshot_hpo.search_spaces.rows_file import ROWS


@pytest.fixture(scope="module")
def sound(one: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study as a bundle holds it. Not to be changed."""
    study = OpenedStudy(one)
    folder = tmp_path_factory.mktemp("results") / "one"
    folder.mkdir()
    for name, content in (data_of(study) | made_of(study)).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(sound, tmp_path / "one"))


def found_in(folder: Path) -> list[str]:
    return [finding.words for finding in verify_bundle(folder).findings]


def altered(path: Path, event: str, change: Callable[[dict], None]) -> None:
    """Change the first event of a kind in a packed journal, as if it had been written so."""
    lines = lzma.decompress(path.read_bytes()).splitlines()
    events = [unsealed(line)[0] for line in lines]
    [first, *_] = [one for one in events if one["event"] == event and one.get("loss") != ()]
    change(first)
    path.write_bytes(packed(b"".join(map(sealed, events))))


def test_a_sound_folder_is_found_sound(sound: Path) -> None:
    report = verify_bundle(sound)
    assert [finding.words for finding in report.findings] == []
    assert "every decision replayed" in report.checked
    assert sum("compared with the table" in words for words in report.checked) >= 2
    assert "2 files made again" in report.checked
    ended = called("check", sound)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"{sound}: sound; checked: ")


def test_it_needs_no_table(sound: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The rows are enough: the table itself is gone, and its name leads nowhere."""
    monkeypatch.setitem(table_file._SHIPPED, "digits", "gone.npz")
    with pytest.raises(ValueError, match=r"no table|not a table|cannot"):
        table_file.load_table("digits")
    report = verify_bundle(sound)
    assert report.findings == []
    assert not any("rows compared with the table" in words for words in report.checked)


def test_a_changed_result_is_found(folder: Path) -> None:
    altered(folder / JOURNAL, "tell", lambda event: event["info"].update(test_regret=0.001))
    assert any("test_regret is 0.001 where the table says" in words for words in found_in(folder))


def test_a_changed_loss_changes_decisions(folder: Path) -> None:
    altered(folder / JOURNAL, "tell", lambda event: event.update(loss=0.001))
    found = found_in(folder)
    assert any("loss is 0.001 where the table says" in words for words in found)


def test_a_changed_confirming_run_is_found(folder: Path) -> None:
    altered(folder / CONFIRMED, "tell", lambda event: event["info"].update(percentile=99.99))
    found = found_in(folder)
    assert any("percentile is 99.99 where the table says" in words for words in found)
    assert any("results.csv, line" in words for words in found)


def test_a_changed_decision_is_found(folder: Path) -> None:
    def change(event: dict) -> None:
        name = next(iter(event["config"]))
        event["config"][name] = event["config"][name] * 1.01

    lines = lzma.decompress((folder / JOURNAL).read_bytes()).splitlines()
    events = [unsealed(line)[0] for line in lines]
    asked = [one for one in events if one["event"] == "ask" and one["id"][0] >= 0]
    change(asked[0])
    (folder / JOURNAL).write_bytes(packed(b"".join(map(sealed, events))))
    assert any("journal.jsonl, line" in words for words in found_in(folder))


@pytest.mark.parametrize("name", ["results.csv", "study.yaml"])
def test_a_changed_number_in_a_made_file_is_found(folder: Path, name: str) -> None:
    path = folder / name
    text = path.read_text()
    digit = next(place for place in range(len(text) // 2, len(text)) if text[place] in "12345678")
    path.write_text(text[:digit] + str(int(text[digit]) + 1) + text[digit + 1 :])
    [words] = found_in(folder)
    assert words.startswith(f"studies/one/{name}, line ")
    path.unlink()
    assert found_in(folder) == [f"studies/one/{name} is missing: it follows from the journals"]


def rows_changed(folder: Path, change: Callable[[dict], None]) -> list[str]:
    document = json.loads((folder / ROWS).read_bytes())
    change(document)
    (folder / ROWS).write_text(json.dumps(document))
    return found_in(folder)


def test_a_changed_row_is_found(folder: Path) -> None:
    def better(document: dict) -> None:
        errors = document["rows"][0]["values"]["valid_error"]
        errors[0] = errors[0] + 0.01

    found = rows_changed(folder, better)
    assert any("where the table says" in words or "lowest" in words for words in found)


def test_rows_of_another_table_are_found(folder: Path) -> None:
    found = rows_changed(folder, lambda document: document.update(of="0" * 64))
    assert any("is of another table than its journal names" in words for words in found)


def test_rows_that_contradict_each_other_are_found(folder: Path) -> None:
    def change(document: dict) -> None:
        facts = next(iter(document["spaces"].values()))
        facts["best_test_error"] /= 2

    assert any(
        "the lowest test error of the space" in words for words in rows_changed(folder, change)
    )


def test_rows_that_are_missing_are_found(folder: Path) -> None:
    (folder / ROWS).unlink()
    assert any(f"{ROWS} is missing" in words for words in found_in(folder))


def test_what_is_no_plain_file_is_refused(folder: Path) -> None:
    (folder / ROWS).unlink()
    (folder / ROWS).symlink_to("/etc/hostname")
    with pytest.raises(BadBundle, match="is no plain file"):
        verify_bundle(folder)


def test_a_journal_that_unpacks_to_too_much_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_hpo.experiments.exports.bundle.archive.LARGEST", 1 << 20)
    (folder / JOURNAL).write_bytes(packed(bytes(2 << 20)))
    assert found_in(folder) == ["one/journal.jsonl.xz unpacks to more than 1 MB"]
    (folder / JOURNAL).write_bytes(b"no xz")
    ended = called("check", folder)
    assert ended.returncode == 1
    assert ended.stdout.startswith("one/journal.jsonl.xz is cut short")
