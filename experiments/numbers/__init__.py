"""The numbers behind every figure, as plain dataclasses of numpy arrays; nothing here draws."""
