"""Workers of a Dask cluster that runs already."""

import math
from collections.abc import Iterator
from pathlib import Path

import distributed
import pytest
from support.waiting import HANG_SECONDS

from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.cluster.external import ExternalPool


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        yield cluster


def test_tasks_run_on_the_cluster_and_it_keeps_running(
    cluster: distributed.LocalCluster, tmp_path: Path
) -> None:
    for attempt in range(2):
        with ExternalPool(address=cluster.scheduler_address, log=tmp_path / "dask.log") as pool:
            assert pool.live_workers == 2
            pool.submit("root", math.sqrt, attempt)
            assert pool.next_outcomes(HANG_SECONDS)[0].value == math.sqrt(attempt)


def test_a_scheduler_file_connects_to_the_cluster(
    cluster: distributed.LocalCluster, tmp_path: Path
) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(f'{{"address": "{cluster.scheduler_address}"}}')
    with ExternalPool(scheduler_file=file, log=tmp_path / "dask.log") as pool:
        assert pool.live_workers == 2


@pytest.mark.slow
def test_a_missing_scheduler_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oneshot_hpo.cluster.external._CONNECT_SECONDS", 0.5)
    with pytest.raises(PoolError, match=r"no Dask scheduler at tcp://127.0.0.1:9"):
        ExternalPool(address="tcp://127.0.0.1:9", log=tmp_path / "dask.log")
    with pytest.raises(PoolError, match=r"none.json"):
        ExternalPool(scheduler_file=tmp_path / "none.json", log=tmp_path / "dask.log")
