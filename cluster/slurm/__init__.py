"""Workers as SLURM jobs: their script, their submission, and the loop that maintains them."""
