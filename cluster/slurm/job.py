"""What a worker's job runs: `python -P -m cluster.slurm.job`, as the job script says.

The node, or the script's prologue, may have set what means other work. That is left out before the
worker imports anything that would heed it.
"""

import os
import sys

from oneshot_hpo.cluster import environment
from oneshot_hpo.cluster.dask_settings import import_dask_without_user_settings


def main() -> int:
    """Be a worker with a clean environment; the exit code of the job."""
    environment.replace(environment.clean(os.environ))
    import_dask_without_user_settings()
    from oneshot_hpo.cluster.slurm import worker

    return worker.main()


if __name__ == "__main__":
    sys.exit(main())
