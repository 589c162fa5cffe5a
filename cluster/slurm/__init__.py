"""Workers that are SLURM jobs: their script, their submission, and the loop that keeps them."""
