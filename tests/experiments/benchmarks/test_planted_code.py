"""Code planted in every kind of file that is read: none of it runs."""

import ast
import io
import json
import os
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra baselines")

import torch
import yaml

from oneshot_hpo.experiments.benchmarks.survival.inputs import attempt, readers

READERS = readers()
ROOMS = ("search_spaces", "searchers", "hpo", "cluster", "experiments")


class Planted:
    """Unpickled, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def pickles(marker: Path) -> Iterator[bytes]:
    for protocol in (0, 1, 2, 4, 5):
        yield pickle.dumps(Planted(marker), protocol)
        yield pickle.dumps({"label_names": Planted(marker)}, protocol)
        yield pickle.dumps({"data": Planted(marker), "labels": [0]}, protocol)
    call = f"import os; os.system('touch {marker}')".encode()
    for module in (b"numpy.testing._private.utils", b"numpy.testing"):  # a name of NumPy's, too
        yield b"c" + module + b"\nrunstring\n(V" + call + b"\n}tR."


def archives(marker: Path) -> Iterator[bytes]:
    """.npz files and checkpoints with such a pickle in each of their members."""
    planted = np.empty(1, object)
    planted[0] = Planted(marker)
    for name in ("tables", "images"):
        whole = READERS[name].samples()[0]
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            arrays = {member: archive.read(member) for member in archive.namelist()}
        for member in arrays:
            array, file = io.BytesIO(), io.BytesIO()
            np.save(array, planted, allow_pickle=True)
            with zipfile.ZipFile(file, "w") as archive:
                for other, content in arrays.items():
                    archive.writestr(other, array.getvalue() if other == member else content)
            yield file.getvalue()
    for state in (Planted(marker), {"fingerprint": {"seed": Planted(marker)}}):
        for zipped in (True, False):
            file = io.BytesIO()
            torch.save(state, file, _use_new_zipfile_serialization=zipped)
            yield file.getvalue()


def texts(marker: Path) -> Iterator[bytes]:
    for word in ("os.system", "subprocess.getoutput", "posix.system"):
        tag = f"!!python/object/apply:{word} ['touch {marker}']"
        yield tag.encode()
        yield f"seed={tag}".encode()
        yield f"seed: {tag}".encode()
        yield json.dumps({"event": "header", "__reduce__": [word, f"touch {marker}"]}).encode()


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def planted(marker: Path) -> list[bytes]:
    return [*pickles(marker), *archives(marker), *texts(marker)]


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_no_file_runs_code(name: str, planted: list[bytes], marker: Path) -> None:
    for content in planted:
        assert not attempt(READERS[name], content)
        assert not marker.exists()


def test_the_same_files_do_run_code_where_they_are_trusted(marker: Path) -> None:
    """Without this, the test above might be one that cannot fail."""
    trusting = {
        pickles: lambda content: pickle.loads(content),
        archives: lambda content: torch.load(io.BytesIO(content), weights_only=False),
        texts: lambda content: yaml.unsafe_load(content),
    }
    for kind, load in trusting.items():
        content = list(kind(marker))[-3 if kind is archives else 0]
        load(content)
        assert marker.exists()
        marker.unlink()


@pytest.mark.slow
def test_no_module_loads_what_can_run() -> None:
    """Names whose use would undo the tests above; a reader that is added gets a Reader, too."""
    root = Path(__file__).parents[3]
    forbidden = {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib", "cloudpickle"}
    # Two pickle samples for the fuzzers, one runs scripts of others to compare with.
    benchmarks = root / "experiments/benchmarks"
    fuzzed = {benchmarks / f"survival/{name}_readers.py" for name in ("data", "recorded")}
    own = {*fuzzed, benchmarks / "public_baselines.py"}
    for path in sorted(file for name in ROOMS for file in (root / name).rglob("*.py")):
        for node in [] if path in own else ast.walk(ast.parse(path.read_text())):
            where = f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = [alias.name for alias in node.names]
                modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not forbidden & set(modules), where
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                nothing = ast.unparse(node) == "exec('')"
                run = ("eval", "exec", "yaml.unsafe_load", "yaml.full_load")
                assert nothing or called not in run, where
                assert called != "torch.load" or given.get("weights_only") == "True", where
                assert given.get("allow_pickle", "False") == "False", where
