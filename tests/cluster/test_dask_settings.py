"""Which Dask settings apply; Dask reads them on import, so each test has its own process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

POOL = """
import sys
from pathlib import Path

from oneshot_hpo.cluster.dask_settings import import_dask_without_user_settings

import_dask_without_user_settings()
import dask
import distributed

print(dask.config.get("mine", "left out"), dask.config.get("distributed.comm.timeouts.connect"))

from oneshot_hpo.cluster.external import ExternalPool
from oneshot_hpo.cluster.errors import PoolError

try:
    ExternalPool(address="tcp://127.0.0.1:1", log=Path(sys.argv[1]) / "cluster.log")
except PoolError as error:
    print(str(error).splitlines()[0])
print(dask.config.get("mine", "left out"), dask.config.get("distributed.comm.tls.ca-file"))
"""
USER_POOL = """
mine: read
distributed: {comm: {timeouts: {connect: 50ms}, tls: {ca-file: mine.pem}}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config" / "dask").mkdir(parents=True)
    return tmp_path


def said(home: Path, **variables: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", POOL, str(home)],
        env=os.environ | {"HOME": str(home)} | variables,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout.splitlines()


@pytest.mark.slow
def test_the_user_s_dask_files_apply_to_the_user_s_cluster_only(home: Path) -> None:
    (home / ".config" / "dask" / "mine.yaml").write_text(USER_POOL)
    before, problem, after = said(home)
    assert before == "left out 30s"
    assert problem.startswith("no Dask scheduler at tcp://127.0.0.1:1")
    assert after == "read mine.pem"


@pytest.mark.slow
def test_the_user_s_dask_variables_apply_to_the_user_s_cluster_only(home: Path) -> None:
    (home / "dask.yaml").write_text("mine: read")
    before, _, after = said(
        home,
        DASK_CONFIG=str(home / "dask.yaml"),
        DASK_DISTRIBUTED__COMM__TLS__CA_FILE="mine.pem",
        DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="50ms",
    )
    assert (before, after) == ("left out 30s", "read mine.pem")


@pytest.mark.slow
def test_invalid_yaml_affects_the_user_s_cluster_only(home: Path) -> None:
    (home / ".config" / "dask" / "mine.yaml").write_text("mine: [")
    before, problem, after = said(home)
    assert before == "left out 30s"
    assert problem.startswith("Dask's configuration cannot be read: A dask config file at ")
    assert after == "left out None"
