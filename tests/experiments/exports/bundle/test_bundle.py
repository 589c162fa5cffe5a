"""Two studies as a bundle, checked to the last number; what was changed by hand is found."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from support.study_commands import called

from oneshot_hpo.experiments.check.bundles import verify_bundle
from oneshot_hpo.experiments.compare.comparing import compare
from oneshot_hpo.experiments.compare.units import points
from oneshot_hpo.experiments.exports.bundle.archive import read_bundle
from oneshot_hpo.experiments.exports.bundle.data import data_of
from oneshot_hpo.experiments.exports.bundle.made import Drawn, written
from oneshot_hpo.experiments.exports.bundle.writing import staged
from oneshot_hpo.experiments.study.opened import OpenedStudy


@pytest.fixture(scope="module")
def texts(one: Path, two: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every text of a bundle of the two studies, without figures."""
    data = {path.name: data_of(OpenedStudy(path)) for path in (one, two)}
    studies = staged(tmp_path_factory.mktemp("stage"), data)
    return {name: content.decode() for name, content in written(studies, Drawn()).items()}


def test_the_appendix_says_what_ran(texts: dict[str, str], one: Path, two: Path) -> None:
    text = texts["appendix.md"]
    for folder in (one, two):
        study = OpenedStudy(folder)
        assert study.confirmation is not None
        seeds = dict.fromkeys(str(run.seed) for run, _ in study.confirmation.evaluations)
        assert f"{folder.name}: study seed {study.view.settings.seed}; fresh seeds" in text
        assert ", ".join(seeds) in text
        for name in study.view.space:
            assert f"| {name} | " in text
        results = [result for _, result in study.view.evaluations]
        crashed = sum(result.crashed for result in results)
        seconds = sum(result.timestamps["search_seconds"] for result in results)
        row = f"| {folder.name} | study | {len(results)} | {crashed} | {seconds / 3600:.2g} worker"
        assert row in text
    assert re.search(r"one: \d+ × SearchDiverged", text)
    # Questions that no journal can answer stay open.
    assert "| Comparison with random search | open: no journal knows |" in text
    assert "| Ablation studies | open: no journal knows |" in text
    assert "search space of all studies are the same" in text


def test_claims_are_those_of_compare(texts: dict[str, str], one: Path, two: Path) -> None:
    [space] = compare(one, two)
    for pairing in space.pairings:
        names = [space.name(sample) for sample in (pairing.first, pairing.second)]
        assert all(name.split(" [")[0] in texts["appendix.md"] for name in names)
    for sample in space.samples:
        mean = points(sample.mean, sample.measure)
        assert mean in texts["tables/results.md"]
        assert mean in texts["tables/results.tex"]
    assert texts["verdict.tex"].count("\\toprule") == len(space.pairings)
    assert not any(str(path.parent) in text for path in (one, two) for text in texts.values())


pytest_slow = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle(one: Path, two: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "paper.zip"
    ended = called("export", one, two, "--to", "bundle", "--out", path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        f"{path}: one, two",
        f"to check it: oneshot-hpo check {path}",
    ]
    return path


def changed(bundle: Path, target: Path, name: str, content: bytes, *, listed: bool) -> Path:
    """The bundle with another file in a place; listed: its checksum is changed, too."""
    files = read_bundle(bundle) | {name: content}
    if listed:
        document = json.loads(files["bundle.json"])
        document["files"][name] = hashlib.sha256(content).hexdigest()
        files["bundle.json"] = json.dumps(document).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for place, own in files.items():
            archive.writestr(zipfile.ZipInfo(place), own)
    return target


@pytest_slow
def test_a_bundle_is_sound_and_its_bytes_are_equal(
    bundle: Path, one: Path, two: Path, tmp_path: Path
) -> None:
    ended = called("check", bundle)
    assert ended.returncode == 0, ended.stdout
    assert "sound" in ended.stdout
    again = tmp_path / "again.zip"
    assert called("export", one, two, "--to", "bundle", "--out", again).returncode == 0
    assert again.read_bytes() == bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert called("check", tmp_path / "unpacked").returncode == 0
    assert called("check", tmp_path / "unpacked" / "studies" / "two").returncode == 0


@pytest_slow
@pytest.mark.parametrize("listed", [False, True])
def test_one_changed_figure_and_one_changed_number_are_found(
    bundle: Path, tmp_path: Path, listed: bool
) -> None:
    files = read_bundle(bundle)
    name = next(name for name in sorted(files) if name.endswith(".png"))
    content = files[name][:-20] + bytes([files[name][-20] ^ 1]) + files[name][-19:]
    figure = changed(bundle, tmp_path / "figure.zip", name, content, listed=listed)
    ended = called("check", figure)
    assert ended.returncode == 1
    assert name in ended.stdout
    text = files["tables/results.csv"].decode()
    digit = max(place for place, letter in enumerate(text) if letter in "12345678")
    other = text[:digit] + str(int(text[digit]) + 1) + text[digit + 1 :]
    number = changed(
        bundle, tmp_path / "number.zip", "tables/results.csv", other.encode(), listed=listed
    )
    ended = called("check", number)
    assert ended.returncode == 1
    assert "tables/results.csv, line" in ended.stdout


@pytest_slow
def test_a_confirmation_that_a_rule_ended_is_bundled_and_checked(
    ruled: Path, tmp_path: Path
) -> None:
    path = tmp_path / "paper.zip"
    ended = called("export", ruled, "--to", "bundle", "--out", path)
    assert ended.returncode == 0, ended.stderr
    files = read_bundle(path)
    for name in ("verdict.tex", "appendix.tex"):
        text = files[name].decode()
        assert "adjusted for the looks" in text
        assert "by look 2 of 2, at 12 seeds of at most 12" in text
    ended = called("check", path)
    assert ended.returncode == 0, ended.stdout


@pytest_slow
def test_without_the_extra_all_but_figures_is_made_again(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneshot_hpo.plugins.find_spec", lambda package: None)
    version = metadata.version

    def without_matplotlib(package: str) -> str:
        if package == "matplotlib":
            raise metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(metadata, "version", without_matplotlib)
    report = verify_bundle(bundle)
    assert report.findings == []
    [note] = [note for note in report.notes if "figures" in note]
    assert note.startswith("figures were compared by their checksums alone: drawing them again")

    files = read_bundle(bundle)
    table, appendix = (files[name].decode() for name in ("tables/results.md", "appendix.tex"))
    digit = max(place for place, letter in enumerate(table) if letter in "12345678")
    for name, content in (
        ("tables/results.md", table[:digit] + str(int(table[digit]) + 1) + table[digit + 1 :]),
        ("appendix.tex", appendix.replace("fresh seeds of the confirmation: ", "fresh seeds: ", 1)),
    ):
        other = changed(bundle, tmp_path / "o.zip", name, content.encode(), listed=True)
        [found] = verify_bundle(other).findings
        assert f"{name}, line" in found.words


@pytest_slow
def test_what_cannot_be_bundled_is_one_line(one: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(b"PK\x03\x04 mine")
    for arguments, message in (
        (["--out", tmp_path / "x.tar"], "must end in .zip"),
        (["--out", tmp_path / "mine.zip"], "exists and is no bundle"),
        (["--out", tmp_path / "none" / "x.zip"], "its folder is missing"),
        ([], "--out FILE.zip has to say where"),
        ([one, "--out", tmp_path / "x.zip"], "a study is named twice"),
    ):
        ended = called("export", one, "--to", "bundle", *arguments)
        assert ended.returncode == 2
        assert message in ended.stderr
    assert (tmp_path / "mine.zip").read_bytes() == b"PK\x03\x04 mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.zip"]
    ended = called("check", bundle, "--mend")
    assert ended.returncode == 2
    assert "not mended" in ended.stderr
