"""The program of a worker's job: `python -P -m oneshot_hpo.cluster.slurm.job` in the job script.

The node or the script's prologue may have set variables for other work. They are removed before the
worker imports anything that reads them.
"""

import os
import sys

from oneshot_hpo.cluster import environment
from oneshot_hpo.cluster.dask_settings import import_dask_without_user_settings


def main() -> int:
    """Run a worker in a clean environment; returns the exit code of the job."""
    environment.replace(environment.clean(os.environ))
    import_dask_without_user_settings()
    from oneshot_hpo.cluster.slurm import worker

    return worker.main()


if __name__ == "__main__":
    sys.exit(main())
