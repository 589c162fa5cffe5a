"""The shell of pages: self-contained, and its content is escaped."""

import base64
import hashlib
import html
import json
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.pages.chart import Chart
from oneshot_hpo.experiments.pages.page import render, write_page
from oneshot_hpo.experiments.pages.table import Cell, Column, Row, Table

HOSTILE = "</script><script>alert(1)</script>"


def test_only_the_scripts_of_the_page_may_run() -> None:
    text = render("oneshot_hpo.experiments.pages", "page.html.jinja", has_charts=False)
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in html.unescape(policy)
    assert "default-src 'none'" in html.unescape(policy)
    assert "plotly" not in text


def test_plotly_is_there_where_a_chart_is() -> None:
    text = render("oneshot_hpo.experiments.pages", "page.html.jinja", has_charts=True)
    assert text.count("plotly.js v") == 1


def test_a_chart_cannot_end_its_script() -> None:
    figure = go.Figure(go.Scatter(x=[1], y=[1], name=HOSTILE))
    chart = Chart("c", "title", "caption", figure)
    assert "<" not in chart.json
    assert json.loads(chart.json)["data"][0]["name"] == HOSTILE


def test_choices_of_a_column_are_numbers_by_size_then_words() -> None:
    texts = [("12", 12), ("3", 3), ("", None), ("none", None), ("12", 12)]
    table = Table("t", "c", [Column("n")], [Row([Cell(*text)]) for text in texts])
    assert table.choices(0) == ["3", "12", "none"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report" / "index.html"
    write_page(path, "old")
    write_page(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in path.parent.iterdir()] == ["index.html"]
    with pytest.raises(UserError, match="cannot be written"):
        write_page(path / "index.html", "newer")
    assert path.read_text() == "new"
