"""Networks of the space of DARTS: the supernet, and architectures alone."""
