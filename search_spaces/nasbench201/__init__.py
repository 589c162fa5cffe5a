"""NAS-Bench-201 (Dong and Yang, ICLR 2020): its cells and their results."""
