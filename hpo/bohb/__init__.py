"""BOHB: brackets asked of a master, and the density estimates that propose configurations."""
