"""Networks of NAS-Bench-201: the supernet, and cells alone."""
