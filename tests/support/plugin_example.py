"""The example plug-in, installed in an environment beside the project's."""

import os
import shutil
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.notebook import EXAMPLES
from support.processes import run

import oneshot_hpo

PLUGIN = EXAMPLES / "plugin"


@dataclass(frozen=True)
class Installed:
    """An environment with the plug-in, and a copy of its project."""

    python: Path
    project: Path
    variables: Mapping[str, str]

    @classmethod
    def at(cls, folder: Path) -> "Installed":
        """Install it, without network; it sees what is installed for these tests, too."""
        project = folder / "project"
        shutil.copytree(PLUGIN, project, ignore=shutil.ignore_patterns("__pycache__"))
        venv.create(folder / "environment", symlinks=True)
        python = folder / "environment" / "bin" / "python"
        ended = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
        packages = Path(ended.stdout.strip())
        # An installation that can be edited has no folder there: a hook finds the package.
        ours = Path(oneshot_hpo.__file__).parents[1]
        paths = [ours, *(path for path in sys.path if path and Path(path).is_dir())]
        (packages / "beside.pth").write_text("".join(f"{path}\n" for path in paths))

        home = folder / "home"
        home.mkdir()
        variables = os.environ | {"XDG_STATE_HOME": str(home), "COLUMNS": "80"}
        install = ["install", "--no-deps", "--no-build-isolation", "--no-index", project]
        # pip asks for Rust's version, whose launcher keeps a folder at home.
        ended = run([python, "-m", "pip", *install], env=variables | {"HOME": str(home)})
        assert ended.returncode == 0, ended.stderr
        return cls(python, project, variables)

    def command(self, *arguments: object) -> list[str]:
        """The command line `oneshot-hpo ARGUMENTS` in the environment."""
        return [str(self.python), "-m", "oneshot_hpo", *map(str, arguments)]
