"""Manuals name only what is there: links, folders, commands and their options."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from oneshot_hpo.experiments.cli.app import app

ROOT = Path(__file__).parents[1]
ROOMS = ("hpo", "searchers", "search_spaces", "cluster", "experiments")
MANUALS = sorted(
    [*ROOT.glob("*.md"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.md"))]
)
LINK = re.compile(r"\]\(([^)#:]+)\)")
COMMAND = re.compile(r"^(?:\.venv/bin/)?(oneshot-hpo [^#|\n]*)", re.M)
MODULE = re.compile(r"python -m (oneshot_hpo[\w.]*)")
FILE = re.compile(r"`([\w/]+\.py)`")


def commands_in(text: str) -> list[list[str]]:
    """The command lines of `oneshot-hpo` in code blocks and code spans, as words."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    lines = [line for block in blocks for line in COMMAND.findall(block)]
    spans = [span for span in re.findall(r"`(oneshot-hpo [^`]+)`", text) if "…" not in span]
    return [shlex.split(line)[1:] for line in (*lines, *spans)]


@pytest.mark.parametrize("manual", MANUALS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(manual: Path) -> None:
    for link in LINK.findall(manual.read_text()):
        assert (manual.parent / link).exists(), link


@pytest.mark.slow
@pytest.mark.parametrize("manual", MANUALS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_is_there_with_its_options(manual: Path) -> None:
    for words in commands_in(manual.read_text()):
        command = get_command(app)
        while words and hasattr(command, "commands") and words[0] in command.commands:
            command, words = command.commands[words[0]], words[1:]
        assert not hasattr(command, "commands") or words in (["--help"], ["--version"]), words
        known = {option for one in command.params for option in one.opts} | {"--help", "--version"}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= known, f"{command.name}: {used - known}"


@pytest.mark.parametrize("manual", MANUALS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_is_there(manual: Path) -> None:
    for module in MODULE.findall(manual.read_text()):
        path = ROOT.joinpath(*module.split("."))
        file = path.with_suffix(".py")
        assert file.exists() or (path / "__main__.py").exists(), module
        if file.exists():  # else the command would end at once, and say nothing
            assert '\nif __name__ == "__main__":\n' in file.read_text(), module


@pytest.mark.parametrize("manual", MANUALS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_is_there(manual: Path) -> None:
    names = FILE.findall(manual.read_text())
    for name in names if manual.parent != ROOT else [name for name in names if "/" in name]:
        assert (ROOT / name).exists() or (manual.parent / name).exists(), name


def test_the_manual_of_all_commands_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 8000
