import subprocess
import sys

import pytest

from oneshot_hpo.searchers.registry import (
    SEARCHERS,
    UnknownSearcher,
    check_searcher,
    searcher_class,
)
from oneshot_hpo.searchers.searcher import Searcher


@pytest.mark.parametrize("name", SEARCHERS)
def test_every_name_has_a_searcher(name):
    assert issubclass(searcher_class(name), Searcher)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownSearcher, match=r"no searcher 'dart': did you mean darts\?"):
        searcher_class("dart")
    with pytest.raises(UnknownSearcher, match="there are darts"):
        check_searcher("zzz")


def test_names_and_settings_are_known_without_torch():
    code = (
        "import sys, searchers; searchers.settings_class('gdas')();sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
