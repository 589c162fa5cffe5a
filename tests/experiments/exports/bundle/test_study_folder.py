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
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.bundle.archive import BadBundle
from oneshot_hpo.experiments.exports.bundle.data import data_of, packed
from oneshot_hpo.experiments.exports.bundle.layout import CONFIRMED, JOURNAL
from oneshot_hpo.experiments.exports.bundle.stage import made_of
from oneshot_hpo.experiments.exports.bundle.study_folder import write_study_folder
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo.journal.line import sealed, unsealed
from oneshot_hpo.search_spaces import table_file
from oneshot_hpo.search_spaces.rows_file import ROWS


@pytest.fixture(scope="module")
def sound(one: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study as a bundle holds it. Not to be changed."""
    folder = tmp_path_factory.mktemp("results") / "one"
    ended = called("export", one, "--to", "folder", "--out", folder)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].endswith(f"oneshot-hpo check {folder}")
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


def test_it_is_what_a_bundle_holds_of_the_study(sound: Path, one: Path) -> None:
    study = OpenedStudy(one)
    wanted = data_of(study) | made_of(study)
    assert {path.name: path.read_bytes() for path in sound.iterdir()} == wanted


def test_a_later_state_takes_the_place_of_an_earlier_one(
    one: Path, two: Path, tmp_path: Path
) -> None:
    running = Path(shutil.copytree(one, tmp_path / "running"))
    confirmed = shutil.move(running / "confirm", tmp_path / "confirm")
    target = tmp_path / "kept"
    write_study_folder(running, target)
    earlier = {path.name for path in target.iterdir()}
    assert earlier == {JOURNAL, ROWS, "study.yaml"}

    shutil.move(confirmed, running / "confirm")
    write_study_folder(running, target)
    assert found_in(target) == []
    assert {path.name for path in target.iterdir()} == earlier | {CONFIRMED, "results.csv"}

    before = {path.name: path.read_bytes() for path in target.iterdir()}
    with pytest.raises(UserError, match="holds another study"):
        write_study_folder(two, target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"running", "kept"}


@pytest.mark.slow
def test_where_it_cannot_go_is_one_line(one: Path, two: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "file").write_text("mine")
    for arguments, words in [
        ((one,), "--out FOLDER has to say where it goes"),
        ((one, "--out", tmp_path / "mine"), "is no study of a bundle"),
        ((one, "--out", tmp_path / "file"), "is no study of a bundle"),
        ((one, "--out", tmp_path / "none" / "x"), "its folder is missing"),
        ((one, two, "--out", tmp_path / "x"), "--to folder takes one study"),
        ((tmp_path / "mine", "--out", tmp_path / "x"), "no study"),
        ((one, "--out", tmp_path / "x", "--configspace", "1"), "--configspace is not for a folder"),
    ]:
        ended = called("export", *arguments, "--to", "folder")
        assert ended.returncode == 2, ended.stdout
        assert words in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine"]
    assert list((tmp_path / "mine").iterdir()) == []


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
