"""BOHB: a master of brackets, and density estimates that propose configurations."""
