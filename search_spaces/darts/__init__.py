"""The search space of DARTS (Liu, Simonyan and Yang, ICLR 2019)."""
