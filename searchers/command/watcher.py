"""Ends the processes of a command whose worker has died. Run as a script, not imported.

    python watcher.py GROUP SECONDS OUTPUT

It waits until its standard input closes, which happens at the latest when the worker's process
ends, however that ends. The process group GROUP then gets SIGTERM, and after SECONDS SIGKILL. What
the command prints meanwhile is read from the descriptor OUTPUT and dropped: it must not end by a
broken pipe while it saves.
"""

import os
import select
import signal
import sys
import time


def main() -> None:
    """Wait, then end the group."""
    group, seconds, output = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    os.read(0, 1)

    deadline = time.monotonic() + seconds
    wanted = int(signal.SIGTERM)
    try:
        while time.monotonic() < deadline:
            os.killpg(group, wanted)
            wanted = 0  # asks only whether the group is there
            if select.select([output], [], [], 0.1)[0] and not os.read(output, 65536):
                time.sleep(0.1)
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main()
