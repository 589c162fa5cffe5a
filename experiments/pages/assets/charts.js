// Every figure.chart is drawn by plotly.js, in the colours of the page; see pages/chart.py.
"use strict";

const CONFIG = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false, // plotly.js would offer to upload the chart
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
};

function template() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const axis = {
    gridcolor: color("--line"), linecolor: color("--quiet"), zerolinecolor: color("--line"),
    tickcolor: color("--quiet"), ticks: "outside", ticklen: 4, showline: true, automargin: true,
    title: { standoff: 8 },
  };
  return {
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: color("--ink"), family: getComputedStyle(document.body).fontFamily, size: 12 },
      hoverlabel: {
        bgcolor: color("--paper"), bordercolor: color("--quiet"), align: "left",
        font: { color: color("--ink") },
      },
      annotationdefaults: { bgcolor: color("--paper") },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      modebar: {
        orientation: "v", bgcolor: "rgba(0,0,0,0)",
        color: color("--quiet"), activecolor: color("--accent"),
      },
      xaxis: axis, yaxis: axis,
    },
  };
}

// Colours of methods are made for white paper; on a dark page the dark ones are lifted.
function legible(value) {
  if (Array.isArray(value)) return value.map(legible);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, legible(part)]));
  }
  const [, hex, alpha = ""] = /^#([0-9a-f]{6})([0-9a-f]{2})?$/i.exec(value) ?? [];
  if (!hex) return value;
  const parts = [0, 2, 4].map((start) => parseInt(hex.slice(start, start + 2), 16));
  const light = 0.3 * parts[0] + 0.59 * parts[1] + 0.11 * parts[2];
  const share = Math.max(0, (110 - light) / (255 - light));
  const lifted = parts.map((part) => Math.round(part + share * (255 - part)));
  return "#" + lifted.map((part) => part.toString(16).padStart(2, "0")).join("") + alpha;
}

// Read anew for each drawing, for plotly.js changes what it draws.
function read(plot) {
  const { data, layout } = JSON.parse(plot.closest("figure").querySelector("script").textContent);
  const dark = matchMedia("screen and (prefers-color-scheme: dark)").matches;
  const margin = { l: 56, r: 16, t: 16, b: 48, ...layout.margin };
  return [dark ? legible(data) : data, { ...layout, margin, template: template() }, CONFIG];
}

function draw(plot) {
  const drawn = Plotly.newPlot(plot, ...read(plot));
  plot.on("plotly_click", ({ points }) => {
    const anchor = points[0].customdata;
    if (typeof anchor === "string" && document.getElementById(anchor)) location.hash = anchor;
  });
  return drawn;
}

const plots = [...document.querySelectorAll(".plot")];
async function redraw() {
  for (const plot of plots) {
    await Plotly.react(plot, ...read(plot));
    plot.dispatchEvent(new CustomEvent("redrawn"));
  }
}
const drawn = Promise.all(plots.map(draw)).then(() => {
  document.documentElement.dataset.drawn = "";
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", redraw);
  }
});
