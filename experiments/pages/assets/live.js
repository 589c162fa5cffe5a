// Keeps an open page up to date: it is loaded again when its state has a later version, and looks
// afterwards as its reader left it. See pages/live.py.
"use strict";

{
  const LOOK_MILLISECONDS = 2000;
  const SILENT_MILLISECONDS = 60_000;
  const body = document.body;
  const { state, version } = body.dataset;

  // What the reader has done to the page. Things are found again by name, never by place.

  const nameOf = (element) => element.closest("[id]")?.id ?? "";
  const detailsName = (element) => element.id || element.querySelector("summary").textContent;
  const chosenRanges = (plot) =>
    Object.fromEntries(
      Object.entries(plot.layout ?? {})
        .filter(([name, axis]) => /^[xy]axis\d*$/.test(name) && axis.autorange === false)
        .map(([name, axis]) => [`${name}.range`, axis.range]),
    );
  const hiddenLines = (plot) =>
    (plot.data ?? []).filter(({ visible }) => visible === "legendonly").map(({ name }) => name);

  // The named thing that begins in the upper third of the window, and how far below its edge; where
  // none does, the lowest one that begins above the window.
  function reading() {
    let found = null;
    for (const element of document.querySelectorAll("[id]")) {
      const { height, top } = element.getBoundingClientRect();
      if (!height) continue;
      if (top > 0 && top < innerHeight / 3) return { name: element.id, top };
      if (top <= 0) found = { name: element.id, top };
    }
    return found;
  }

  function look() {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const search = document.activeElement?.matches("[data-search]") ? document.activeElement : null;
    return {
      reading: reading(),
      details: all("details").map((one) => [detailsName(one), one.open]),
      boxes: all(".scroll").map((box) => [nameOf(box), box.scrollLeft, box.scrollTop]),
      searches: all("[data-search]").map((input) => [nameOf(input), input.value]),
      selects: all("[data-column]").map((one) => [nameOf(one), one.dataset.column, one.value]),
      sorted: all("th[aria-sort]").map((one) => [nameOf(one), one.cellIndex, one.ariaSort]),
      plots: all(".plot").map((plot) => [nameOf(plot), chosenRanges(plot), hiddenLines(plot)]),
      typing: search && [nameOf(search), search.selectionStart],
    };
  }

  function inside(name, selector) {
    return document.getElementById(name)?.querySelector(selector) ?? null;
  }

  function restore(kept) {
    for (const [name, open] of kept.details) {
      const found = [...document.querySelectorAll("details")].find((one) => detailsName(one) === name);
      if (found) found.open = open;
    }
    for (const [name, column, order] of kept.sorted) {
      const heading = inside(name, `th:nth-child(${column + 1})`);
      heading?.querySelector("button")?.click();
      if (heading?.ariaSort !== order) heading?.querySelector("button")?.click();
    }
    for (const [name, value] of kept.searches) {
      const input = inside(name, "[data-search]");
      if (!input || !value) continue;
      input.value = value;
      input.dispatchEvent(new Event("input"));
    }
    for (const [name, column, value] of kept.selects) {
      const select = inside(name, `[data-column="${column}"]`);
      if (!value || ![...(select?.options ?? [])].some((option) => option.value === value)) continue;
      select.value = value;
      select.dispatchEvent(new Event("change"));
    }
    for (const [name, left, top] of kept.boxes) inside(name, ".scroll")?.scrollTo(left, top);
    if (kept.typing) {
      const input = inside(kept.typing[0], "[data-search]");
      input?.focus({ preventScroll: true });
      input?.setSelectionRange(kept.typing[1], kept.typing[1]);
    }
    scrollBack(kept.reading);
  }

  function scrollBack(reading) {
    const element = reading && document.getElementById(reading.name);
    if (element) scrollBy(0, element.getBoundingClientRect().top - reading.top);
  }

  async function restorePlots(kept) {
    for (const [name, ranges, hidden] of kept.plots) {
      const plot = inside(name, ".plot");
      if (!plot) continue;
      if (Object.keys(ranges).length) await Plotly.relayout(plot, ranges);
      const lines = [...plot.data.keys()].filter((line) => hidden.includes(plot.data[line].name));
      if (lines.length) await Plotly.restyle(plot, { visible: "legendonly" }, lines);
    }
  }

  const charts = typeof drawn === "undefined" ? Promise.resolve() : drawn;
  const kept = history.state?.kept;
  if (kept) {
    restore(kept);
    charts.then(() => restorePlots(kept)).then(() => scrollBack(kept.reading));
    // Not before the end of loading, at which the browser scrolls by pixels where it may.
    const loaded = () => (history.scrollRestoration = "auto");
    addEventListener("load", () => setTimeout(loaded, 0));
  }

  // The state, in a style sheet that is loaded anew each time.

  let pressed = false; // a reload would end what a hand is doing
  addEventListener("pointerdown", () => (pressed = true));
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (pressed = false));

  let beat = null;
  let heard = performance.now();

  function reload() {
    history.scrollRestoration = "manual";
    history.replaceState({ kept: look() }, "");
    location.reload();
  }

  function read() {
    const style = getComputedStyle(document.documentElement);
    const latest = Number(style.getPropertyValue("--page-version"));
    const next = style.getPropertyValue("--page-beat");
    if (next !== beat) heard = performance.now();
    beat = next;
    if (latest > Number(version) && !pressed) reload();
  }

  function hear() {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = `${encodeURIComponent(state)}?${Date.now()}`;
    const heardOf = (isThere) => {
      if (isThere) read();
      sheet.remove();
      const silent = performance.now() - heard > SILENT_MILLISECONDS;
      for (const note of document.querySelectorAll("[data-live]")) {
        note.hidden = (note.dataset.live === "silent") !== silent;
      }
      setTimeout(hear, LOOK_MILLISECONDS);
    };
    sheet.addEventListener("load", () => heardOf(true));
    sheet.addEventListener("error", () => heardOf(false));
    document.head.append(sheet);
  }

  if (state) charts.then(hear);
}
