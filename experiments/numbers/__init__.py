"""The numbers of every figure, as plain dataclasses of numpy arrays: nothing here draws."""
