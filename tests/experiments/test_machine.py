import os
import subprocess
import sys
from pathlib import Path

import pytest

from oneshot_hpo.experiments import machine


def test_cores_are_shared_out_and_never_none() -> None:
    workers = machine.default_workers()
    assert workers >= 1
    assert machine.threads_for(1) >= machine.threads_for(2) >= 1
    assert machine.threads_for(10**6) == 1


@pytest.mark.slow
@pytest.mark.parametrize("visible", ["", "0,1"])
def test_gpus_are_those_that_are_visible_and_there(visible: str) -> None:
    import torch

    script = "from oneshot_hpo.experiments import machine; print(len(machine.gpus()))"
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": visible}
    output = subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)
    expected = 0 if not visible else min(2, torch.cuda.device_count())
    assert int(output) == expected


def test_versions_name_what_decides() -> None:
    versions = machine.versions()
    assert versions["hpbandster"] == "0.7.4"
    assert {"python", "torch", "numpy", "oneshot-hpo"} <= versions.keys()


def test_a_machine_is_described_without_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU one'\necho 'GPU two'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = machine.description()
    assert found["gpus"] == ["GPU one", "GPU two"]
    assert found["cores"] >= 1
    assert found["memory_gib"] > 0.1
    assert found.keys() == {"system", "processor", "cores", "memory_gib", "gpus"}
    program.write_text("#!/bin/sh\nexit 9\n")
    assert machine.description()["gpus"] == []
