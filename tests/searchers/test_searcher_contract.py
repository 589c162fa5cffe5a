"""Every one-shot optimizer holds the contract that plug-ins are given."""

from pathlib import Path
from typing import ClassVar

import pytest

from oneshot_hpo.contracts import SearcherContract
from oneshot_hpo.contracts.searches import SmallSearch

SPACES = (1, *(pytest.param(name, marks=pytest.mark.slow) for name in ("nasbench201", "darts")))


class KilledInSlowTests(SearcherContract):
    """A process of its own takes seconds to begin: of one searcher it is killed every day."""

    spaces = SPACES

    @pytest.mark.slow
    def test_a_killed_search_ends_with_the_same_bits(
        self, first: SmallSearch, tmp_path: Path
    ) -> None:
        super().test_a_killed_search_ends_with_the_same_bits(first, tmp_path)


class TestDarts(KilledInSlowTests):
    searcher = "darts"


class TestSecondOrderDarts(KilledInSlowTests):
    searcher = "darts_second_order"


class TestPcDarts(KilledInSlowTests):
    searcher = "pc_darts"
    settings: ClassVar = {"partial_channels": 2}


class TestGdas(SearcherContract):
    searcher = "gdas"
    spaces = SPACES


class TestRandomWs(KilledInSlowTests):
    searcher = "random_ws"
    settings: ClassVar = {"ranked_cells": 4, "ranked_batches": 2, "evaluated_cells": 2}


class TestSinglePath(KilledInSlowTests):
    searcher = "single_path"
    settings: ClassVar = {
        "population": 4,
        "generations": 2,
        "survivors": 2,
        "recalibration_images": 16,
    }


class TestEnas(KilledInSlowTests):
    searcher = "enas"
    settings: ClassVar = {"sampled_cells": 3}


class TestProxylessNas(KilledInSlowTests):
    searcher = "proxylessnas"


class TestDrNas(KilledInSlowTests):
    searcher = "drnas"


class TestSnas(KilledInSlowTests):
    searcher = "snas"


class TestSdartsRs(KilledInSlowTests):
    searcher = "sdarts_rs"


class TestSdartsAdv(KilledInSlowTests):
    searcher = "sdarts_adv"
    settings: ClassVar = {"attack_steps": 2}


class TestFairDarts(KilledInSlowTests):
    searcher = "fairdarts"


class TestDdpNas(KilledInSlowTests):
    searcher = "ddpnas"
    # one measured cell an epoch says nothing of any option
    active_with: ClassVar = {"sharpness": {"batch_size": 8}}


class TestBaLeNas(KilledInSlowTests):
    searcher = "balenas"
