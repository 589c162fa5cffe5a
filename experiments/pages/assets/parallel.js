// Brushes of parallel coordinates: a box over an axis keeps the lines that pass through it, boxes
// over several axes those that pass through all of them. Axes are at x = 0, 1, 2, ...
"use strict";

for (const plot of document.querySelectorAll(".plot[data-chooses]")) {
  const table = document.getElementById(plot.dataset.chooses);
  const brushes = new Map(); // range of y by axis

  function apply() {
    const kept = plot.data.map(({ y }) =>
      [...brushes].every(([axis, [low, high]]) => low <= y[axis] && y[axis] <= high),
    );
    Plotly.restyle(plot, { opacity: kept.map((is) => (is ? 1 : 0.06)) });
    const shapes = plot.layout.shapes.filter(({ type }) => type === "line");
    for (const [axis, [low, high]] of brushes) {
      const place = { x0: axis - 0.05, x1: axis + 0.05, y0: low, y1: high };
      shapes.push({ type: "rect", ...place, fillcolor: "#86b6f0", opacity: 0.45, line: { width: 0 } });
    }
    Plotly.relayout(plot, { shapes, selections: [] });
    const anchors = plot.data.filter((_, line) => kept[line]).map(({ customdata }) => customdata[0]);
    table.dispatchEvent(new CustomEvent("choose", { detail: brushes.size ? new Set(anchors) : null }));
  }

  function release() {
    if (!brushes.size) return;
    brushes.clear();
    apply();
  }

  plot.on("plotly_selected", (event) => {
    if (!event?.range) return;
    const [left, right] = event.range.x.toSorted((a, b) => a - b);
    for (let axis = Math.ceil(left); axis <= right && axis in plot.data[0].y; axis++) {
      brushes.set(axis, event.range.y.toSorted((a, b) => a - b));
    }
    apply();
  });
  plot.on("plotly_deselect", release);
  plot.on("plotly_doubleclick", release);
  table.addEventListener("cleared", release);
  plot.addEventListener("redrawn", () => brushes.size && apply());
}
