"""NAS-Bench-101's cells, the three spaces of NAS-Bench-1Shot1, and tables of trained cells."""
