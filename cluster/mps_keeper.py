"""The process that starts and ends NVIDIA's multi-process service; run as a script by `mps`.

    mps_keeper.py PROGRAM LOG

It lasts until its standard input ends, which also a kill of the process at the other end does.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

READY = b"ready\n"
"""Written to standard output once the daemon runs."""
_QUIT = b"quit -t 10\n"
"""Clients, which were ended before, have 10 seconds; then the daemon ends what still computes."""
_HANG_SECONDS = 180


def main() -> int:
    """Start the daemon, say so, wait for the end of standard input, and end the daemon."""
    program, log_file = sys.argv[1:]
    # The daemon keeps what it inherits open: pipes would never end.
    with Path(log_file).open("wb") as log:
        started = subprocess.run([program, "-d"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    if started.returncode:
        return 1
    with contextlib.suppress(OSError):  # the other end is gone
        os.write(sys.stdout.fileno(), READY)
    sys.stdin.buffer.read()
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [program],
            input=_QUIT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_HANG_SECONDS,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
