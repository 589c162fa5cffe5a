"""Workers of a program that has no `if __name__ == "__main__"`."""

import os
import sys
from multiprocessing import spawn
from pathlib import Path

from support.processes import run

from oneshot_hpo.cluster import worker_main

SCRIPT = """
from pathlib import Path

import dask
from oneshot_hpo.cluster.local import LocalPool

print("began, dask", dask.config.get("mine", "without settings"), flush=True)
with LocalPool(workers=1, threads=1, scratch=Path("logs")) as pool:
    pool.submit("mine", dask.config.get, "mine", "without settings")
    while not (outcomes := pool.next_outcomes(1)):
        pass
print("worker, dask", outcomes[0].value)
"""


def test_a_plain_script_opens_a_pool_whose_workers_do_not_begin_it_again(tmp_path: Path) -> None:
    (tmp_path / ".config" / "dask").mkdir(parents=True)
    (tmp_path / ".config" / "dask" / "mine.yaml").write_text("mine: as the user set it")
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = os.environ | {"HOME": str(tmp_path)}
    ended = run([sys.executable, "script.py"], cwd=tmp_path, env=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "began, dask as the user set it",
        "worker, dask without settings",
    ]


def test_the_program_s_own_processes_have_its_main_module_again_afterwards() -> None:
    before = spawn.get_preparation_data("before")
    with worker_main.workers_import_this_main():
        inside = spawn.get_preparation_data("inside")
    assert inside["init_main_from_name"] == worker_main.__name__
    assert "init_main_from_path" not in inside
    assert spawn.get_preparation_data("before") == before
