import contextlib
import logging
import socket
from pathlib import Path

import pytest

from oneshot_hpo.cluster import worker_log
from oneshot_hpo.cluster.dask_logs import CLUSTER_LOG, dask_logs_to
from oneshot_hpo.cluster.local import LocalPool


def test_the_log_is_cut_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_log, "MOST_BYTES", 20_000)
    monkeypatch.setattr(worker_log, "KEPT_BYTES", 2_000)
    path = tmp_path / CLUSTER_LOG
    with dask_logs_to(path):
        for number in range(1_000):
            logging.getLogger("distributed").warning("message %d of a stranger's", number)
            assert path.stat().st_size <= 20_000 + 200
    assert path.read_text().splitlines()[-1].endswith("message 999 of a stranger's")


@pytest.mark.slow
def test_connections_to_the_scheduler_s_port_do_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_log, "MOST_BYTES", 3_000)
    monkeypatch.setattr(worker_log, "KEPT_BYTES", 1_000)
    path = tmp_path / CLUSTER_LOG
    with LocalPool(workers=1, threads=1, scratch=tmp_path) as pool:
        host, _, port = pool.address.removeprefix("tls://").rpartition(":")
        for _ in range(60):
            with socket.create_connection((host, int(port)), timeout=60) as stranger:
                stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
                with contextlib.suppress(ConnectionError):
                    while stranger.recv(1000):  # until it hangs up
                        pass
        assert 0 < path.stat().st_size <= 6_000
        assert worker_log.CUT in path.read_text()
