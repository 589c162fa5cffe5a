// Every table.sortable is sorted by its headings; one with filters shows the rows that fit them.
"use strict";

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const isNumeric = (column) => headings[column].classList.contains("number");

  function valueOf(row, column) {
    const cell = row.cells[column];
    if (isNumeric(column)) return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    return cell.textContent || null;
  }

  function compare(a, b) {
    if (typeof a === "number") return a - b;
    return a.localeCompare(b, undefined, { numeric: true });
  }

  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const rising = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null); // nothing comes last
        return rising ? compare(a, b) : compare(b, a);
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}

for (const box of document.querySelectorAll(".table:has(.filters)")) {
  const rows = [...box.querySelector("tbody").rows];
  const search = box.querySelector("[data-search]");
  const selects = [...box.querySelectorAll("[data-column]")];
  const clear = box.querySelector("[data-clear]");
  const count = box.querySelector("[data-count]");
  let chosen = null; // anchors of rows that a chart's brushes leave, null for all

  function fits(row) {
    const words = search.value.toLowerCase().split(/\s+/);
    const text = row.textContent.toLowerCase();
    return (
      (chosen === null || chosen.has(row.id)) &&
      words.every((word) => text.includes(word)) &&
      selects.every(({ value, dataset }) => !value || row.cells[dataset.column].textContent === value)
    );
  }

  function update() {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !fits(row);
      shown += !row.hidden;
    }
    const all = shown === rows.length;
    count.textContent = all ? `${shown} rows` : `${shown} of ${rows.length} rows`;
    clear.hidden = all;
  }

  function showAll() {
    search.value = "";
    for (const select of selects) select.value = "";
    chosen = null;
    update();
  }

  search.addEventListener("input", update);
  for (const select of selects) select.addEventListener("change", update);
  clear.addEventListener("click", () => {
    showAll();
    box.dispatchEvent(new CustomEvent("cleared"));
  });
  box.addEventListener("choose", ({ detail }) => {
    chosen = detail;
    update();
  });
  // A link to a row that the filters hide.
  addEventListener("hashchange", () => {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row?.hidden || !box.contains(row)) return;
    showAll();
    row.scrollIntoView({ block: "center" });
  });
  update();
}
