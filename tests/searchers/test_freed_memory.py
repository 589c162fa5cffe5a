"""Tests of oneshot_hpo.searchers.freed_memory."""

import json
import os
import platform
import resource
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc's allocator has these settings"
)

_PROGRAM = """
import ctypes, json, resource
import torch
from oneshot_hpo.searchers.search import kernels

PR_SET_THP_DISABLE = 41
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)  # a huge page is one fault for 512

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def steps():
    before = faults()
    for _ in range(20):
        kept = [torch.ones(2**20) for _ in range(4)]  # 4 MiB each
        del kept
    return faults() - before

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

before = steps()
with kernels("cpu", True):
    steps()
    within = steps()
    held = resident()
print(json.dumps({"before": before, "within": within, "held": held, "after": resident()}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("trim", [None, "65536"], ids=["as usual", "as Dask sets it"])
def test_a_search_does_not_get_its_memory_again_in_every_step(trim: str | None) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    if trim is not None:
        environment["MALLOC_TRIM_THRESHOLD_"] = trim
    command = [sys.executable, "-c", _PROGRAM]
    found = json.loads(subprocess.check_output(command, env=environment, text=True))

    assert found["within"] < 1_000  # of 80 tensors that have 82,000 pages of 4 KiB
    if trim is not None:
        assert found["before"] * resource.getpagesize() > 50_000 * 4096
    assert found["held"] - found["after"] > 8 * 2**20  # all is given back at the end
