// What Prometheus is asked for a dashboard: the files, the values of variables, the series of panels. Same origin only.
"use strict";

async function json(url, options) {
  const response = await fetch(url, options);
  const body = await response.json().catch(() => null);
  if (!response.ok || body === null) throw new Error(body?.error ?? `${url}: ${response.status}`);
  return body;
}

// Prometheus lists the folder; each file in it is a dashboard.
async function files() {
  const listing = await (await fetch("dashboards/")).text();
  const links = new DOMParser().parseFromString(listing, "text/html").querySelectorAll("a");
  return [...links].map((link) => link.getAttribute("href")).filter((name) => name.endsWith(".json")).sort();
}

// The values of all variables over a span, asked of Prometheus where they ask; ``chosen``: what the address says.
async function settled(dashboard, span, chosen) {
  const range = Math.round(span.to - span.from);
  const { values, interval } = macros(range, Math.round(span.to));
  const offered = {};
  for (const variable of ordered(dashboard)) {
    const asked = question(variable);
    const found = asked ? options(variable, await answers(asked, values, span)) : written(variable);
    const picked = chosen[variable.name];
    const current = picked ? { ...variable, current: { value: variable.multi ? picked : picked[0] } } : variable;
    values[variable.name] = choose(current, found, range);
    offered[variable.name] = found;
    if (variable.type === "interval") values[`__auto_interval_${variable.name}`] = auto(variable, range);
  }
  return { values, interval, offered, span };
}

async function answers({ kind, text, label }, values, { from }) {
  const selector = resolve(text, values);
  const query = new URLSearchParams({ start: Math.floor(from) });
  if (kind === "query_result") {
    const { data } = await json("../api/v1/query", { method: "POST", body: new URLSearchParams({ query: selector }) });
    return data.result.map(({ metric: { __name__: name = "", ...labels }, value }) =>
      `${name}{${Object.entries(labels).map(([key, one]) => `${key}="${one}"`).join(",")}} ${value?.[1]}`);
  }
  const match = kind === "metrics" ? selector && `{__name__=~".*(?:${selector}).*"}` : selector;
  if (match) query.set("match[]", match);
  const path = kind === "label_names" ? "labels" : `label/${kind === "metrics" ? "__name__" : encodeURIComponent(resolve(label, values))}/values`;
  return (await json(`../api/v1/${path}?${query}`)).data;
}

// The series of one query; times in seconds, values as numbers, ``step`` the distance of two points.
async function ask(target, settings) {
  const { from, to } = settings.span;
  const query = new URLSearchParams({ query: resolve(target.expr, settings.values) });
  const instant = target.instant && !target.range;
  const step = settings.interval;
  if (instant) query.set("time", to.toFixed(3));
  else for (const [key, value] of Object.entries({ start: from.toFixed(3), end: to.toFixed(3), step })) query.set(key, value);
  const { data } = await json(`../api/v1/${instant ? "query" : "query_range"}`, { method: "POST", body: query });
  const result = data.resultType === "scalar" ? [{ metric: {}, value: data.result }] : data.result;
  return result.map((one) => series(target, one.metric ?? {}, one.values ?? [one.value ?? [to, one.histogram?.[1]?.count ?? "NaN"]], step));
}

function series(target, labels, points, step) {
  return {
    name: legend(target.legendFormat, labels), ref: target.refId ?? "", labels, step,
    times: points.map(([time]) => time),
    values: points.map(([, value]) => Number(String(value).replace("Inf", "Infinity"))),
  };
}

// All series of a panel; of one that a variable repeats, for its first value.
async function askedOf(panel, dashboard, settings) {
  const one = settings.values[panel.repeat];
  const values = one?.parts?.length ? { ...settings.values, [panel.repeat]: { ...one, parts: one.parts.slice(0, 1), whole: "" } } : settings.values;
  const own = seconds(panel.timeFrom ?? "");
  const span = own > 0 ? { ...settings.span, from: settings.span.to - own } : settings.span;
  const found = await Promise.all(queries(panel, dashboard).map((target) => ask(target, { ...settings, values, span })));
  return { series: found.flat(), span, title: resolve(panel.title ?? "", values) };
}
