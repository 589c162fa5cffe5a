"""A page from a template, complete in itself: styles, scripts and plotly.js are inside it.

A page's own template begins with `{% extends "page.html.jinja" %}` and fills its blocks; the macros
of "macros.html.jinja" draw an experiments.pages.table.Table and an experiments.pages.chart.Chart.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.pages.live import LivePage
from oneshot_hpo.whole_files import write_whole

_PACKAGE = "oneshot_hpo.experiments.pages"


def render(
    package: str, template: str, *, has_charts: bool, live: LivePage | None = None, **content: Any
) -> str:
    """Fill a template in the folder `templates` of a package with `content`.

    Every string in `content` is escaped. has_charts: whether the page needs plotly.js (5 MB). live:
    for a page that keeps itself up to date, or has done so.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(_PACKAGE)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [_asset("tables.js")]
    if has_charts:
        from plotly.offline import get_plotlyjs

        scripts += [get_plotlyjs(), _asset("charts.js"), _asset("parallel.js")]
    if live is not None:
        scripts.append(_asset("live.js"))
    return environment.get_template(template).render(
        styles=Markup(_asset("page.css")),
        scripts=[Markup(script) for script in scripts],
        policy=_policy(scripts, live),
        live=live,
        **content,
    )


def check_replaceable(path: Path) -> None:
    """Raise UserError if the path holds anything but a page."""
    try:
        with path.open("rb") as file:
            if file.read(15).lower() != b"<!doctype html>":
                raise UserError(f"{path} is not a page; choose another file with --out")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from None


def write_page(path: Path, text: str) -> None:
    """Write a page in place of an earlier one, all or nothing. UserError: it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from None


def _policy(scripts: list[str], live: LivePage | None) -> str:
    """A content security policy: these scripts may run and no other, and nothing is fetched.

    What study files say is escaped; should it slip through, the browser does not run it. A page
    that keeps itself up to date loads the style sheet with its state.
    """
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    # A file is not in "self", which is what a server has.
    state = "" if live is None or live.ended else " 'self' file:"
    # plotly.js makes style elements, and pictures of a plot.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'{state}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return (resources.files(_PACKAGE) / "assets" / name).read_text(encoding="utf-8")
