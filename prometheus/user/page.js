// The quick look: which dashboard over which time with which variables, in the address; asks and draws again. No build.
"use strict";

const REFRESH = 10_000;
const AT_ONCE = 4;
const element = (id) => document.getElementById(id);

const look = { listed: [], titles: {}, file: "", dashboard: null, time: { from: "now-1h", to: "now" }, chosen: {}, hidden: new Map(),
  round: 0, fault: "" };
const now = () => Date.now() / 1000;
const range = () => spanOf(look.time, now());

function report(error) {
  element("state").className = "bad";
  element("state").textContent = error.message;
}

// The file that an address means: by the dashboard's uid, or by the file's name.
async function fileOf(name) {
  const plain = (file) => decodeURIComponent(file).replace(/^.*~own\+/, "").replace(/\.json$/, "");
  const near = look.listed.find((file) => [file, decodeURIComponent(file), plain(file)].includes(name));
  if (!name || near) return near ?? look.listed[0];
  await titled();
  const found = look.listed.find((file) => look.titles[file]?.uid === name);
  if (!found) throw new Error(`There is no dashboard ${name}: choose one above`);
  return found;
}

// Titles and uids of all dashboards, a few at a time.
let titling = null;
function titled() {
  const waiting = [...look.listed];
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const { uid, title } = await json(`dashboards/${file}`).catch(() => ({}));
      look.titles[file] = { uid: uid || file, title: title || file };
    }
  };
  titling ??= Promise.all(Array.from({ length: AT_ONCE }, work)).then(listed);
  return titling;
}

function listed() {
  element("dashboards").replaceChildren(...look.listed.map((file) => {
    const known = look.titles[file];
    const link = Object.assign(document.createElement("a"), { textContent: known?.title ?? decodeURIComponent(file).replace("~own+", "").replace(".json", "") });
    link.href = address({ name: known?.uid ?? file, ...look.time, variables: {} });
    link.toggleAttribute("aria-current", file === look.file);
    link.dataset.file = file;
    return link;
  }));
}

// Everything anew by what the address says.
async function opened() {
  element("state").textContent = "Loading";
  element("state").className = "";
  const { name, from, to, variables } = addressed(location.hash);
  const file = await fileOf(name);
  if (file !== look.file) {
    look.dashboard = await json(`dashboards/${file}`);
    look.file = file;
    look.hidden.clear();
    look.titles[file] = { uid: look.dashboard.uid || file, title: look.dashboard.title || file };
    laid();
  }
  const { time = {} } = look.dashboard;
  look.time = { from: from || time.from || "now-1h", to: to || time.to || "now" };
  if (range().fault && !from && !to) look.time = { from: "now-1h", to: "now" };
  look.chosen = variables;
  element("from").value = look.time.from;
  element("to").value = look.time.to;
  element("range").value = look.time.to === "now" && [...element("range").options].some((one) => one.value === look.time.from) ? look.time.from : "";
  listed();
  await refresh();
}

function laid() {
  const { title, description } = look.dashboard;
  document.title = `${title} (quick look)`;
  element("title").textContent = title;
  element("about").textContent = description ?? "";
  element("panels").replaceChildren(...flat(look.dashboard).map(frame));
}

function frame(panel) {
  const title = Object.assign(document.createElement("h2"), { textContent: panel.title ?? "" });
  if (panel.type === "row") {
    title.className = "row";
    return title;
  }
  const section = document.createElement("section");
  section.style.gridColumn = `span ${panel.gridPos?.w ?? 12}`;
  section.style.height = `${(panel.gridPos?.h ?? 8) * 38}px`;
  title.title = panel.description ?? "";
  section.append(title, Object.assign(document.createElement("div"), { className: "plot", id: `plot-${panel.id}` }));
  return section;
}

function go(time, variables = look.chosen) {
  const next = address({ name: look.dashboard.uid || look.file, ...time, variables });
  if (next === location.hash) return opened().catch(report);
  location.hash = next;
}

// A span of Unix seconds becomes the address.
function zoom(from, to) {
  go({ from: String(Math.round(from * 1000)), to: to >= now() - 1 ? "now" : String(Math.round(to * 1000)) });
}

function shift(share) {
  const { from, to, fault } = range();
  if (!fault) zoom(from + (to - from) * share, Math.min(now(), to + (to - from) * share));
}

function widen(times) {
  const { from, to, live, fault } = range();
  if (fault) return;
  const length = Math.max(30, (to - from) * times);
  if (live) return go({ from: `now-${Math.round(length)}s`, to: "now" });
  const middle = (from + to) / 2;
  zoom(middle - length / 2, Math.min(now(), middle + length / 2));
}

function step(by) {
  const at = look.listed.indexOf(look.file);
  const file = look.listed[(at + by + look.listed.length) % look.listed.length];
  location.hash = address({ name: look.titles[file]?.uid ?? file, ...look.time, variables: {} });
}

function turn() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

// What a variable can be, as a choice; those that the dashboard hides stay hidden.
function choices(settings) {
  const shown = (look.dashboard.templating?.list ?? []).filter((one) => one?.name && one.hide !== 2
    && !["datasource", "constant", "adhoc", "groupby"].includes(one.type));
  element("variables").replaceChildren(...shown.map((variable) => {
    const label = Object.assign(document.createElement("label"), { textContent: variable.label || variable.name });
    label.append(variable.type === "textbox" ? typed(variable, settings) : offered(variable, settings));
    return label;
  }));
}

function typed(variable, settings) {
  return Object.assign(document.createElement("input"), { name: variable.name, value: formatted(settings.values[variable.name] ?? "") });
}

function offered(variable, settings) {
  const value = settings.values[variable.name] ?? { parts: [] };
  const select = Object.assign(document.createElement("select"), { name: variable.name, multiple: Boolean(variable.multi) });
  const all = variable.includeAll ? ["$__all"] : [];
  const whole = all.length > 0 && (value.whole !== undefined || value.parts.length === settings.offered[variable.name]?.length && !look.chosen[variable.name]);
  for (const one of [...all, ...settings.offered[variable.name] ?? []]) {
    const chosen = one === "$__all" ? whole || look.chosen[variable.name]?.includes(one) : !whole && value.parts.includes(one);
    select.append(new Option(one === "$__all" ? "All" : one, one, false, chosen));
  }
  if (select.multiple) select.size = Math.min(4, select.options.length);
  return select;
}

function picked() {
  const variables = {};
  for (const field of element("variables").elements) {
    const values = field.selectedOptions ? [...field.selectedOptions].map((one) => one.value) : [field.value];
    if (values.length) variables[field.name] = values.includes("$__all") ? ["$__all"] : values;
  }
  go(look.time, variables);
}

function draw(panel, asked) {
  const node = element(`plot-${panel.id}`);
  const hidden = look.hidden.get(panel.id) ?? new Set();
  look.hidden.set(panel.id, hidden);
  const size = { width: Math.max(120, node.clientWidth), height: Math.max(80, node.clientHeight) };
  const again = () => draw(panel, asked);
  // Once for the legend, whose height decides how high the chart may be.
  const how = { size, span: asked.span, utc: false, hidden };
  placed(node, drawn(panel, asked.series, how), { again, zoom, utc: false, hidden });
  const canvas = node.querySelector(".canvas");
  if (canvas && node.querySelector("svg.chart") && (canvas.clientHeight < size.height - 1 || canvas.clientWidth < size.width - 1)) {
    how.size = { width: Math.max(120, canvas.clientWidth), height: Math.max(60, canvas.clientHeight) };
    placed(node, drawn(panel, asked.series, how), { again, zoom, utc: false, hidden });
  }
}

async function panelOf(panel, settings) {
  const asked = queries(panel, look.dashboard);
  const known = KINDS[kindOf(panel)];
  if (!asked.length && known) return draw({ ...panel, type: "text", options: { content: "It asks nothing of Prometheus: Grafana draws it" } }, { series: [], span: settings.span });
  const found = known ? await askedOf(panel, look.dashboard, settings) : { series: [], span: settings.span, title: panel.title };
  const node = element(`plot-${panel.id}`);
  if (!node || node.querySelector(".tip:not([hidden])") || node.querySelector("svg.chart:focus")) return;  // somebody reads it
  node.previousElementSibling.textContent = found.title ?? "";
  draw(panel, found);
}

async function refresh() {
  const mine = ++look.round;
  const span = range();
  if (span.fault) throw new Error(span.fault);
  const settings = await settled(look.dashboard, span, look.chosen);
  if (mine !== look.round) return;
  if (!element("variables").contains(document.activeElement)) choices(settings);
  const failures = [];
  await Promise.all(flat(look.dashboard).filter((panel) => element(`plot-${panel.id}`)).map((panel) =>
    panelOf(panel, settings).catch((error) => {
      failures.push(error);
      const node = element(`plot-${panel.id}`);
      if (node) node.innerHTML = nothing(error.message);
    })));
  if (mine !== look.round) return;
  const state = element("state");
  state.className = failures.length ? "bad" : "";
  state.textContent = failures.length ? `${failures.length} panels failed: ${failures[0].message}`
    : `Updated ${new Date().toISOString().slice(11, 19)} UTC${span.live ? `, again every ${REFRESH / 1000} s` : ""}`;
  performance.mark("drawn");
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea, dialog[open]")) return;
  const does = { ArrowLeft: () => shift(-0.5), ArrowRight: () => shift(0.5), "+": () => widen(0.5), "-": () => widen(2), "=": () => widen(0.5),
    n: () => go({ from: `now-${Math.round(range().to - range().from || 3600)}s`, to: "now" }), r: () => opened().catch(report),
    "[": () => step(-1), "]": () => step(1), d: turn, "?": () => element("keys").showModal() }[event.key];
  if (!does) return;
  does();
  event.preventDefault();
}

function wire() {
  addEventListener("hashchange", () => opened().catch(report));
  addEventListener("keydown", keys);
  addEventListener("resize", () => { clearTimeout(look.timer); look.timer = setTimeout(() => refresh().catch(report), 200); });
  element("range").addEventListener("change", () => element("range").value && go({ from: element("range").value, to: "now" }));
  element("times").addEventListener("submit", (event) => {
    event.preventDefault();
    const time = { from: element("from").value.trim(), to: element("to").value.trim() };
    const { fault } = spanOf(time, now());
    if (fault) report(new Error(fault)); else go(time);
  });
  element("variables").addEventListener("submit", (event) => event.preventDefault());
  element("variables").addEventListener("change", picked);
  for (const [id, does] of [["earlier", () => shift(-0.5)], ["later", () => shift(0.5)], ["out", () => widen(2)], ["theme", turn],
    ["help", () => element("keys").showModal()]]) element(id).addEventListener("click", does);
}

async function start() {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  wire();
  look.listed = await files();
  if (!look.listed.length) throw new Error("No dashboards under /user/dashboards/");
  await opened();
  titled().catch(report);
}

setInterval(() => look.dashboard && !document.hidden && range().live && refresh().catch(report), REFRESH);
start().catch(report);
