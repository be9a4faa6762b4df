// Theme, tables, keys. Runs in the head so that a dark page never flashes white.
"use strict";
const report = {};
report.stored = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* a page from disk may have no storage */ } },
};
report.themes = ["", "light", "dark"];
report.showTheme = () => { document.documentElement.dataset.theme = report.stored.get("qhas-theme") || ""; };
report.showTheme();

report.nextTheme = () => {
  const at = report.themes.indexOf(report.stored.get("qhas-theme") || "");
  report.stored.set("qhas-theme", report.themes[(at + 1) % report.themes.length]);
  report.showTheme();
  document.dispatchEvent(new Event("themechange"));
};

// A colour of the style sheet as numbers: plotly cannot read variables, nor light-dark().
report.colour = name => {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
};

report.data = id => JSON.parse(document.querySelector(`script[data-for="${id}"]`).textContent);

report.sortable = head => {
  const numeric = head.classList.contains("n");
  const value = row => {
    const text = row.cells[head.cellIndex]?.textContent.trim() ?? "";
    return numeric ? parseFloat(text.replace(/,/g, "").replace("−", "-")) : text;
  };
  const compare = numeric
    ? (a, b) => (isNaN(a) ? -Infinity : a) - (isNaN(b) ? -Infinity : b) || 0
    : (a, b) => a.localeCompare(b, undefined, {numeric: true});
  const sort = () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    body.append(...[...body.rows].sort((a, b) => compare(value(a), value(b)) * (down ? -1 : 1)));
  };
  head.tabIndex = 0;
  head.addEventListener("click", sort);
  head.addEventListener("keydown", event => { if (event.key === "Enter") { event.stopPropagation(); sort(); } });
};

report.filter = text => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = said => words.every(word => said.toLowerCase().includes(word));
  const rows = [...document.querySelectorAll("table.cells tbody tr")];
  for (const row of rows) row.hidden = !fits(row.textContent);
  for (const cell of document.querySelectorAll(".matrix td:not(.none)")) {
    cell.classList.toggle("dim", !fits(`${cell.firstChild.title} ${cell.textContent}`));
  }
  const shown = document.getElementById("shown");
  if (shown) shown.value = words.length ? `${rows.filter(row => !row.hidden).length} of ${rows.length}` : "";
};

report.choose = step => {
  const rows = [...document.querySelectorAll("tr[data-href]")].filter(row => !row.hidden);
  if (!rows.length) return;
  const old = rows.findIndex(row => row.classList.contains("chosen"));
  const at = old < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, old + step));
  document.querySelector("tr.chosen")?.classList.remove("chosen");
  rows[at].classList.add("chosen");
  rows[at].scrollIntoView({block: "nearest"});
};

// Perfetto's way to be handed a trace: it answers a ping when it is ready, then takes the bytes. From disk a page may not
// read files, and the link does what links do.
report.perfetto = async (event, link) => {
  if (location.protocol === "file:") return;
  event.preventDefault();
  const home = "https://ui.perfetto.dev", viewer = window.open(home);
  const response = await fetch(link.href).catch(() => null);
  if (!viewer || !response?.ok) { location.href = link.href; return; }
  const buffer = await response.arrayBuffer();
  const ping = setInterval(() => viewer.postMessage("PING", home), 50);
  addEventListener("message", message => {
    if (message.origin !== home || message.data !== "PONG") return;
    clearInterval(ping);
    viewer.postMessage({perfetto: {buffer, title: document.title, fileName: "chrometrace.json.gz"}}, home);
  });
};

report.keys = event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const input = document.getElementById("filter");
  if (event.target === input) {
    if (event.key === "Escape") { input.value = ""; report.filter(""); input.blur(); }
    if (event.key === "Enter") input.blur();
    return;
  }
  const names = {ArrowDown: "j", ArrowUp: "k", ArrowRight: "j", ArrowLeft: "k"};
  const key = names[event.key] ?? event.key;
  const link = document.querySelector(`a[data-key="${CSS.escape(key)}"]`);
  const vertical = event.key === "ArrowDown" || event.key === "ArrowUp";
  if (link && !vertical) location.href = link.href;
  else if ((key === "j" || key === "k") && document.querySelector("tr[data-href]")) {
    report.choose(key === "j" ? 1 : -1);
    event.preventDefault();
  }
  else if (key === "/" && input) { input.focus(); event.preventDefault(); }
  else if (key === "Escape" && input) { input.value = ""; report.filter(""); }
  else if (key === "Enter") { const row = document.querySelector("tr.chosen"); if (row) location.href = row.dataset.href; }
  else if (key === "t") report.nextTheme();
  else if (key === "?") document.getElementById("help").showModal();
};

addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("th[data-sort]").forEach(report.sortable);
  document.getElementById("filter")?.addEventListener("input", event => report.filter(event.target.value));
  document.addEventListener("keydown", report.keys);
  document.addEventListener("click", event => {
    const row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, summary, button") && !getSelection().toString()) location.href = row.dataset.href;
    const chip = event.target.closest("[data-filter]");
    if (chip) { const input = document.getElementById("filter"); input.value = input.value === chip.dataset.filter ? "" : chip.dataset.filter; report.filter(input.value); }
    const op = event.target.closest("a[data-from]");
    if (op && report.showCycles) { event.preventDefault(); report.showCycles(+op.dataset.from, +op.dataset.to); }
    const doing = event.target.closest("[data-do]");
    if (doing?.dataset.do === "theme") report.nextTheme();
    if (doing?.dataset.do === "help") document.getElementById("help").showModal();
    if (doing?.dataset.do === "perfetto") report.perfetto(event, doing);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("themechange")));
  report.drawPlots();
  report.drawTimeline();
  report.drawNetwork();
});
