"""The one-shot optimizers by name. Adding one is one file, its settings and one entry here.

A plug-in is a class derived from Searcher, which names its settings itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oneshot_hpo import foreign, plugins
from oneshot_hpo.plugins import Entry
from oneshot_hpo.searchers.errors import SearchError
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError

if TYPE_CHECKING:
    from oneshot_hpo.searchers.searcher import Searcher

_HERE = "oneshot_hpo.searchers"
_OWN = f"{_HERE}.own_settings"
_SHARED = f"{_HERE}.settings:SearchSettings"


def _entry(name: str, class_name: str, summary: str, settings: str = _SHARED) -> Entry:
    """A searcher of this package, in the module of its name."""
    return Entry(
        kind="searcher",
        name=name,
        target=f"{_HERE}.{name}:{class_name}",
        summary=summary,
        settings=settings,
    )


ENTRIES = (
    _entry("darts", "Darts", "DARTS, first order (Liu et al. 2019)"),
    _entry(
        "darts_second_order",
        "SecondOrderDarts",
        "DARTS, second order (Liu et al. 2019)",
        f"{_OWN}:SecondOrderSettings",
    ),
    _entry("pc_darts", "PcDarts", "PC-DARTS (Xu et al. 2020)", f"{_OWN}:PcDartsSettings"),
    _entry("gdas", "Gdas", "GDAS (Dong and Yang 2019)", f"{_OWN}:GdasSettings"),
    _entry(
        "random_ws",
        "RandomWs",
        "random search with weight sharing (Li and Talwalkar 2019)",
        f"{_OWN}:RandomWsSettings",
    ),
    _entry(
        "single_path",
        "SinglePath",
        "single-path one-shot with uniform sampling (Guo et al. 2020)",
        f"{_OWN}:SinglePathSettings",
    ),
    _entry("enas", "Enas", "ENAS (Pham et al. 2018)", f"{_OWN}:EnasSettings"),
    _entry(
        "proxylessnas",
        "ProxylessNas",
        "ProxylessNAS (Cai et al. 2019)",
        f"{_OWN}:ProxylessSettings",
    ),
    _entry("drnas", "DrNas", "DrNAS, Dirichlet (Chen et al. 2021)"),
    _entry("snas", "Snas", "SNAS (Xie et al. 2019)", f"{_OWN}:SnasSettings"),
    _entry(
        "sdarts_rs",
        "SdartsRs",
        "SDARTS, random smoothing (Chen and Hsieh 2020)",
        f"{_OWN}:SdartsRsSettings",
    ),
    _entry(
        "sdarts_adv",
        "SdartsAdv",
        "SDARTS, adversarial (Chen and Hsieh 2020)",
        f"{_OWN}:SdartsAdvSettings",
    ),
    _entry("fairdarts", "FairDarts", "FairDARTS (Chu et al. 2020)", f"{_OWN}:FairDartsSettings"),
    _entry(
        "ddpnas",
        "DdpNas",
        "DDPNAS, distribution pruning (Zheng et al. 2023)",
        f"{_OWN}:DdpNasSettings",
    ),
    _entry("balenas", "BaLeNas", "BaLeNAS (Zhang et al. 2022)", f"{_OWN}:BaLeNasSettings"),
)
SEARCHERS = tuple(entry.name for entry in ENTRIES)
STATIC_STEPS = ("darts", "darts_second_order", "pc_darts", "fairdarts")
"""Searchers whose steps are all the same kernels: they draw nothing on the host."""


class UnknownSearcher(SearchError, ValueError):
    """No searcher has this name; the message lists them."""


def searcher_class(name: str) -> type[Searcher]:
    """The class of a searcher; raises UnknownSearcher."""
    entry = _known(name)
    return _plugin(entry) if not entry.is_built_in else entry.load()


def settings_class(name: str) -> type[SearchSettings]:
    """The settings class of a searcher, with its own settings; raises UnknownSearcher."""
    entry = _known(name)
    found: type[SearchSettings]
    found = _plugin(entry).settings_class if not entry.is_built_in else entry.load_settings()
    return found


def check_searcher(name: str) -> None:
    """Raise UnknownSearcher unless there is a searcher of this name; loads nothing."""
    _known(name)


def check_cuda_graphs(name: str, settings: SearchSettings) -> None:
    """Raise SettingsError if steps of this searcher are to be recorded and cannot be."""
    if settings.cuda_graphs and name not in STATIC_STEPS:
        raise SettingsError(
            f"search setting cuda_graphs must be false for {name}, whose steps differ from each "
            f"other; it is for {', '.join(STATIC_STEPS)}"
        )


def _known(name: str) -> Entry:
    try:
        return plugins.entry("searcher", name)
    except plugins.UnknownName as error:
        raise UnknownSearcher(str(error)) from None


def _plugin(entry: Entry) -> type[Searcher]:
    """The class of a searcher that is not built in. Raises UnknownSearcher."""
    from oneshot_hpo.searchers.searcher import Searcher  # imports torch, as every searcher does

    try:
        found = entry.load()
        foreign.check_class(found, Searcher, entry.label)
        foreign.check_class(
            found.settings_class, SearchSettings, f"settings_class of {entry.label}"
        )
    except foreign.PluginError as error:
        raise UnknownSearcher(str(error)) from None
    return found
