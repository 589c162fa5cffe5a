"""The tables by name; a study file may also name a file that `table build` wrote."""

from oneshot_hpo.plugins import Entry


def _entry(name: str, summary: str) -> Entry:
    """A table that is a file of this package's or of the data folder."""
    function = name.replace("-", "_")
    return Entry(
        kind="table",
        name=name,
        target=f"oneshot_hpo.search_spaces.table_file:{function}",
        summary=summary,
    )


ENTRIES = (
    _entry("digits", "space 1 on scikit-learn's digits, comes with this package"),
    _entry("digits-201", "NAS-Bench-201's cells on scikit-learn's digits, comes with it too"),
    _entry("nasbench101", "NAS-Bench-101 (Ying et al. 2019), imported into the data folder"),
    _entry("nasbench201", "NAS-Bench-201 (Dong and Yang 2020), imported into the data folder"),
    _entry("transnas-micro", "TransNAS-Bench-101, cells (Duan et al. 2021), imported likewise"),
    _entry("transnas-macro", "TransNAS-Bench-101, skeletons (Duan et al. 2021), likewise"),
)
