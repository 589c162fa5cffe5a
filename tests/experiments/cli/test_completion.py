"""Completion of commands in a shell, as `oneshot-hpo --install-completion bash` installs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "oneshot-hpo"
COMPLETE = "_ONESHOT_HPO_COMPLETE"


def completed(words: str) -> list[str]:
    """What may stand in place of the last of these words."""
    variables = {COMPLETE: "complete_bash", "COMP_WORDS": words}
    variables["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    ended = subprocess.run(
        [PROGRAM], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    assert ended.stderr == ""
    return ended.stdout.split()


@pytest.mark.slow
def test_commands_are_completed() -> None:
    assert completed("oneshot-hpo co") == ["confirm", "compare"]


@pytest.mark.slow
def test_options_and_commands_of_a_group_are_completed() -> None:
    assert "--workers" in completed("oneshot-hpo launch --w")
    assert completed("oneshot-hpo baselines r") == ["run"]


@pytest.mark.slow
def test_bash_completes_once_it_is_installed(tmp_path: Path) -> None:
    home = os.environ | {
        "HOME": str(tmp_path),
        "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
    }
    # As from a terminal: the program looks for the shell that it is a child of.
    line = "oneshot-hpo --install-completion bash; exit $?"
    installed = subprocess.run(["bash", "-c", line], env=home, capture_output=True, text=True)
    assert (installed.returncode, installed.stderr) == (0, "")

    script = """
source ~/.bashrc
COMP_WORDS=(oneshot-hpo rep); COMP_CWORD=1
_oneshot_hpo_completion oneshot-hpo
echo "${COMPREPLY[@]}"
"""
    shown = subprocess.run(["bash", "-c", script], env=home, capture_output=True, text=True)
    assert (shown.stdout.strip(), shown.stderr) == ("report", "")
