"""Tests of what needs an extra are skipped where it is not installed, and say so."""

from importlib.util import find_spec

import pytest

needs_smac = pytest.mark.skipif(find_spec("smac") is None, reason="needs the extra smac")
