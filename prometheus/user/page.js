// The quick look: reads the dashboards' JSON, asks Prometheus, draws with plotly. No build, no outside address.
"use strict";

const REFRESH = 10_000;
const LINES = 60;
const element = (id) => document.getElementById(id);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const paint = (color) => css(color ?? "") || color || css("text");

let dashboard = null;
let round = 0;

async function json(url, options) {
  const response = await fetch(url, options);
  const body = await response.json().catch(() => null);
  if (!response.ok || body === null) throw new Error(body?.error ?? `${url}: ${response.status}`);
  return body;
}

// Prometheus lists the folder; each file in it is a dashboard.
async function names() {
  const listing = await (await fetch("dashboards/")).text();
  const links = new DOMParser().parseFromString(listing, "text/html").querySelectorAll("a");
  return [...links].map((link) => link.getAttribute("href")).filter((name) => name.endsWith(".json")).sort();
}

// The values of all variables, asked of Prometheus where they ask.
async function settle(range) {
  const now = Math.floor(Date.now() / 1000);
  const { values, interval } = macros(range, now);
  for (const variable of ordered(dashboard)) {
    const asked = question(variable);
    const found = asked ? options(variable, await answers(asked, values, now - range)) : written(variable);
    values[variable.name] = choose(variable, found, range);
    if (variable.type === "interval") values[`__auto_interval_${variable.name}`] = auto(variable, range);
  }
  return { values, interval };
}

async function answers({ kind, text, label }, values, start) {
  const selector = resolve(text, values);
  const query = new URLSearchParams({ start });
  if (kind === "query_result") {
    const { data } = await json("../api/v1/query", { method: "POST", body: new URLSearchParams({ query: selector }) });
    return data.result.map(({ metric: { __name__: name = "", ...labels }, value }) =>
      `${name}{${Object.entries(labels).map(([key, one]) => `${key}="${one}"`).join(",")}} ${value?.[1]}`);
  }
  const match = kind === "metrics" ? selector && `{__name__=~".*(?:${selector}).*"}` : selector;
  if (match) query.set("match[]", match);
  const path = kind === "label_names" ? "labels" : `label/${kind === "metrics" ? "__name__" : resolve(label, values)}/values`;
  return (await json(`../api/v1/${path}?${query}`)).data;
}

async function ask(target, settings, range) {
  const now = Math.floor(Date.now() / 1000);
  const query = new URLSearchParams({ query: resolve(target.expr, settings.values) });
  const instant = target.instant && !target.range;
  if (!instant) {
    query.set("start", now - range);
    query.set("end", now);
    query.set("step", settings.interval);
  }
  const path = instant ? "../api/v1/query" : "../api/v1/query_range";
  const { data } = await json(path, { method: "POST", body: query });
  return data.result.map((one) => {
    const points = one.values ?? [one.value ?? [0, "NaN"]];
    return {
      name: legend(target.legendFormat, one.metric),
      labels: one.metric,
      times: points.map(([time]) => new Date(time * 1000)),
      values: points.map(([, value]) => Number(value.replace("Inf", "Infinity"))),
    };
  });
}

const latest = (one) => one.values.at(-1);
const real = (series) => series.filter((one) => Number.isFinite(latest(one)));

function layout(extra) {
  const axis = { gridcolor: css("line"), zerolinecolor: css("line"), automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: css("text"), size: 11 },
    margin: { l: 40, r: 10, t: 6, b: 24 }, hovermode: "x unified", legend: { orientation: "h", y: -0.15 },
    xaxis: { ...axis }, yaxis: { ...axis, rangemode: "tozero" }, ...extra,
  };
}

function plot(node, traces, extra) {
  return Plotly.react(node, traces, layout(extra), { displayModeBar: false, responsive: true });
}

const draw = {
  timeseries(node, panel, series) {
    const { unit, custom = {}, thresholds } = panel.fieldConfig.defaults;
    const stacked = custom.stacking?.mode === "normal";
    const share = unit === "percentunit" ? 100 : 1;
    const traces = series.map((one) => ({
      type: "scatter", mode: one.values.length > 1 ? "lines" : "markers", name: one.name, x: one.times,
      y: one.values.map((value) => (Number.isFinite(value) ? value * share : null)),
      stackgroup: stacked ? "one" : undefined, line: { width: 1.4 },
    }));
    const top = Math.max(0, ...traces.flatMap((trace) => trace.y));
    const lines = custom.thresholdsStyle ? thresholds?.steps.filter((step) => step.value !== null) ?? [] : [];
    const shapes = lines.filter((step) => step.value * share <= top * 1.5).map((step) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: step.value * share, y1: step.value * share,
      line: { color: paint(step.color), width: 1, dash: "dash" },
    }));
    const suffix = share === 100 ? " %" : SUFFIX[unit] ?? "";
    const yaxis = { gridcolor: css("line"), rangemode: "tozero", ticksuffix: suffix, exponentformat: "SI",
      automargin: true };
    return plot(node, traces, { shapes, yaxis });
  },

  stat(node, panel, series) {
    const box = document.createElement("div");
    box.className = "stats";
    for (const one of series) {
      const { text, color } = state(latest(one), panel.fieldConfig.defaults);
      const item = document.createElement("div");
      const value = document.createElement("b");
      const label = document.createElement("small");
      value.textContent = text;
      value.style.color = paint(color);
      label.textContent = one.name;
      item.append(value, label);
      box.append(item);
    }
    node.replaceChildren(box);
  },

  gauge(node, panel, series) {
    const { min = 0, max = 100, unit, decimals } = panel.fieldConfig.defaults;
    const columns = Math.min(series.length, Math.ceil(Math.sqrt(series.length * 1.5)));
    const share = unit === "percentunit" ? 100 : 1;
    const traces = series.map((one, index) => ({
      type: "indicator", mode: "gauge+number", value: latest(one) * share, title: { text: one.name, font: { size: 11 } },
      number: { suffix: share === 100 ? " %" : SUFFIX[unit] ?? "", valueformat: `.${decimals ?? 2}f`, font: { size: 16 } },
      gauge: {
        axis: { range: [min * share, max * share], tickfont: { size: 8 } },
        bar: { color: paint(state(latest(one), panel.fieldConfig.defaults).color) },
      },
      domain: { row: Math.floor(index / columns), column: index % columns },
    }));
    const grid = { rows: Math.ceil(series.length / columns), columns, pattern: "independent" };
    return plot(node, traces, { grid, margin: { l: 24, r: 24, t: 30, b: 6 } });
  },

  bargauge(node, panel, series) {
    const { min, max, unit, decimals } = panel.fieldConfig.defaults;
    const values = series.map(latest);
    const trace = {
      type: "bar", orientation: "h", x: values, y: series.map((one) => one.name), cliponaxis: false,
      textposition: values.map((value) => (value > 0.6 * (max ?? Math.max(...values)) ? "inside" : "outside")),
      text: values.map((value) => format(value, unit, decimals)), hoverinfo: "y+text",
      marker: { color: values.map((value) => paint(state(value, panel.fieldConfig.defaults).color)) },
    };
    const range = max === undefined ? undefined : [min ?? 0, max];
    return plot(node, [trace], { hovermode: "closest", xaxis: { range, visible: false },
      yaxis: { automargin: true, autorange: "reversed" }, margin: { l: 60, r: 10, t: 4, b: 4 } });
  },

  piechart(node, _panel, series) {
    const some = series.filter((one) => latest(one) > 0);
    if (!some.length) return empty(node, "All values are 0");
    const trace = { type: "pie", hole: 0.5, labels: some.map((one) => one.name), values: some.map(latest),
      textinfo: "percent", sort: true };
    return plot(node, [trace], { hovermode: "closest", legend: { orientation: "v" }, margin: { l: 6, r: 6, t: 6, b: 6 } });
  },

  table(node, panel, series) {
    const { unit, decimals } = panel.fieldConfig.defaults;
    const names = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].filter((name) => name !== "__name__");
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const name of [...names, "Value"]) head.append(Object.assign(document.createElement("th"), { textContent: name }));
    const body = table.createTBody();
    for (const one of series.slice(0, LINES)) {
      const row = body.insertRow();
      for (const name of names) row.insertCell().textContent = one.labels[name] ?? "";
      row.insertCell().textContent = format(latest(one), unit, decimals);
    }
    node.replaceChildren(table);
  },

  heatmap(node, panel, series) {
    const rows = buckets(series);
    const suffix = SUFFIX[panel.fieldConfig.defaults.unit] ?? "";
    const trace = { type: "heatmap", x: rows[0]?.times, y: rows.map((row) => `≤ ${row.le}${suffix}`),
      z: rows.map((row) => row.values), colorscale: [[0, css("card")], [1, css("link")]], showscale: false };
    return plot(node, [trace], { hovermode: "closest", yaxis: { type: "category", automargin: true } });
  },
};

// What the page draws of a panel whose file says little.
function whole(panel) {
  const fieldConfig = { overrides: [], ...panel.fieldConfig, defaults: { ...panel.fieldConfig?.defaults } };
  return { ...panel, fieldConfig };
}

function empty(node, text) {
  Plotly.purge(node);
  const note = document.createElement("div");
  note.className = "empty";
  note.textContent = text;
  node.replaceChildren(note);
}

async function refreshPanel(panel, settings, range) {
  const node = element(`plot-${panel.id}`);
  const asked = queries(panel, dashboard);
  const drawer = draw[kindOf(panel)];
  if (!drawer) return empty(node, panel.options?.content ?? panel.content ?? `A ${panel.type} panel: Grafana draws it`);
  if (!asked.length) return empty(node, "It asks nothing of Prometheus: Grafana draws it");
  const one = settings.values[panel.repeat];
  const values = one?.parts?.length ? { ...settings.values, [panel.repeat]: { ...one, parts: one.parts.slice(0, 1), whole: "" } } : settings.values;
  const answered = await Promise.all(asked.map((target) => ask(target, { ...settings, values }, range)));
  const series = answered.flat();
  const timed = ["timeseries", "heatmap"].includes(kindOf(panel));
  const shown = timed ? series.slice(0, LINES) : real(series).slice(0, LINES);
  if (!shown.length) return empty(node, series.length ? "No value yet" : "No data");
  if (node.querySelector(".empty")) node.replaceChildren();
  return drawer(node, whole(panel), shown);
}

async function refresh() {
  const mine = ++round;
  const range = Number(element("range").value);
  const settings = await settle(range);
  const failures = [];
  await Promise.all(shownPanels().map((panel) =>
    refreshPanel(panel, settings, range).catch((error) => {
      failures.push(error);
      empty(element(`plot-${panel.id}`), error.message);
    })));
  if (mine !== round) return;
  const state = element("state");
  state.className = failures.length ? "bad" : "";
  state.textContent = failures.length
    ? `${failures.length} panels failed: ${failures[0].message}`
    : `Updated ${new Date().toISOString().slice(11, 19)} UTC, again every ${REFRESH / 1000} s`;
}

function shownPanels() {
  return flat(dashboard).filter((panel) => panel.type !== "row" && element(`plot-${panel.id}`));
}

function frame(panel) {
  const section = document.createElement("section");
  const title = document.createElement("h2");
  if (panel.type === "row") {
    title.className = "row";
    title.textContent = panel.title ?? "";
    return title;
  }
  const node = document.createElement("div");
  section.style.gridColumn = `span ${panel.gridPos?.w ?? 12}`;
  section.style.height = `${(panel.gridPos?.h ?? 8) * 36}px`;
  title.textContent = panel.title ?? "";
  title.title = panel.description ?? "";
  node.className = "plot";
  node.id = `plot-${panel.id}`;
  section.append(title, node);
  return section;
}

async function show(name) {
  dashboard = await json(`dashboards/${name}`);
  document.title = `${dashboard.title} (quick look)`;
  element("title").textContent = dashboard.title;
  element("about").textContent = dashboard.description ?? "";
  element("panels").replaceChildren(...flat(dashboard).map(frame));
  for (const link of element("dashboards").children) {
    link.toggleAttribute("aria-current", link.hash === `#${name}`);
  }
  await refresh();
}

async function start() {
  const dark = localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = dark;
  const files = await names();
  if (!files.length) throw new Error("No dashboards under /user/dashboards/");
  element("dashboards").replaceChildren(...files.map((name) => {
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.textContent = decodeURIComponent(name).replace("~own+", "").replace(".json", "");
    return link;
  }));
  const asked = () => files.find((name) => [location.hash.slice(1), decodeURIComponent(location.hash.slice(1))].includes(name));
  const open = () => show(asked() ?? files[0]).catch(report);
  addEventListener("hashchange", open);
  element("range").addEventListener("change", () => refresh().catch(report));
  element("theme").addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    refresh().catch(report);
  });
  setInterval(() => { if (!document.hidden && dashboard) refresh().catch(report); }, REFRESH);
  await open();
}

function report(error) {
  element("state").className = "bad";
  element("state").textContent = error.message;
}

start().catch(report);
