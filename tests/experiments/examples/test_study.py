"""The example runs as a plain script and as a notebook, which are the same."""

import shutil
import sys
from pathlib import Path

import pytest
from support.notebook import EXAMPLES, notebook_of
from support.processes import run

SCRIPTS = sorted(EXAMPLES.glob("*.py"))

RUN_NOTEBOOK = """
import asyncio, json

async def run(path):  # cells are executed within an event loop, as Jupyter's kernel does
    names = {"__name__": "__main__"}
    for cell in json.load(open(path))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)

asyncio.run(run("study.ipynb"))
"""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_notebook_has_the_script_s_cells(script: Path) -> None:
    notebook = script.with_suffix(".ipynb").read_text()
    again = "write it again: cd tests && python -m support.notebook"
    assert notebook == notebook_of(script.read_text()), again


@pytest.mark.slow
@pytest.mark.parametrize("how", ["script", "notebook"])
def test_the_example_runs_in_an_empty_folder(tmp_path: Path, how: str) -> None:
    for path in EXAMPLES.glob("study.*"):
        shutil.copy(path, tmp_path)
    arguments = ["study.py"] if how == "script" else ["-c", RUN_NOTEBOOK]
    ended = run([sys.executable, *arguments], cwd=tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == "quickstart is finished"
    assert any(line.startswith("darts tuned in cs2 against darts default: ratio") for line in lines)
    assert lines[-1] == "quickstart: no search setting 'chanels': did you mean channels?"
    assert not (tmp_path / "runs" / "second").exists()
