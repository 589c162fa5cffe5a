"""Networks of NAS-Bench-101's cells: supernet, and a cell alone."""
