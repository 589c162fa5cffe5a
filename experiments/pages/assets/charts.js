// Every figure.chart is drawn by plotly.js, in the colours of the page; see pages/chart.py.
"use strict";

const CONFIG = {
  responsive: true,
  displaylogo: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};
const NARROW = 560; // pixels of a plot, below which its legend stands under it

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
      xaxis: axis, yaxis: axis,
    },
  };
}

function legend(plot) {
  if (plot.clientWidth >= NARROW) return { legend: { x: 1.02, y: 1, yanchor: "top", orientation: "v" } };
  return { legend: { x: 0, y: -0.22, yanchor: "top", orientation: "h" } };
}

// The rows whose values lie within all brushes of parallel coordinates; null without a brush.
function brushed({ dimensions, customdata }) {
  const brushes = dimensions.filter((dimension) => dimension.constraintrange);
  if (!brushes.length) return null;
  const within = ({ constraintrange, values }, i) => {
    const ranges = Array.isArray(constraintrange[0]) ? constraintrange : [constraintrange];
    return ranges.some(([low, high]) => low <= values[i] && values[i] <= high);
  };
  return new Set(customdata.filter((_, i) => brushes.every((brush) => within(brush, i))));
}

// Read anew for each drawing, for plotly.js changes what it draws.
function read(plot) {
  const { data, layout } = JSON.parse(plot.closest("figure").querySelector("script").textContent);
  const margin = { l: 56, r: 16, t: 16, b: 48, ...layout.margin };
  return [data, { ...layout, margin, template: template(), ...legend(plot) }, CONFIG];
}

function draw(plot) {
  const drawn = Plotly.newPlot(plot, ...read(plot));
  plot.on("plotly_click", ({ points }) => {
    const anchor = points[0].customdata;
    if (typeof anchor === "string" && document.getElementById(anchor)) location.hash = anchor;
  });
  const table = plot.dataset.chooses && document.getElementById(plot.dataset.chooses);
  if (table) {
    plot.on("plotly_restyle", () => {
      table.dispatchEvent(new CustomEvent("choose", { detail: brushed(plot.data[0]) }));
    });
    table.addEventListener("cleared", () => Plotly.react(plot, ...read(plot)));
  }
  return drawn;
}

const plots = [...document.querySelectorAll(".plot")];
const recolor = () => plots.forEach((plot) => Plotly.relayout(plot, { template: template() }));
Promise.all(plots.map(draw)).then(() => {
  document.documentElement.dataset.drawn = "";
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", recolor);
  }
  addEventListener("resize", () => plots.forEach((plot) => Plotly.relayout(plot, legend(plot))));
});
