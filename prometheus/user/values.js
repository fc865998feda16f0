// What a dashboard's variables stand for, and what a panel asks: plain functions without a page.
"use strict";

const SCRAPE = 5;

// Grafana's macros at a range in seconds, and the distance of two points.
function macros(range, now) {
  const interval = Math.max(SCRAPE, Math.ceil(range / 400));
  const rate = Math.max(interval + SCRAPE, 4 * SCRAPE);
  const values = {
    __rate_interval: `${rate}s`,
    __rate_interval_ms: `${rate * 1000}`,
    __interval: `${interval}s`,
    __interval_ms: `${interval * 1000}`,
    __range: `${range}s`,
    __range_s: `${range}`,
    __range_ms: `${range * 1000}`,
    __from: `${(now - range) * 1000}`,
    __to: `${now * 1000}`,
  };
  return { values, interval };
}

// What a query variable asks of Prometheus; null for one that asks nobody, or asks what this page cannot.
function question(variable) {
  if (variable.type !== "query") return null;
  const text = String(variable.query?.query ?? variable.query ?? "").trim();
  const found = text.match(/^(label_values|label_names|metrics|query_result)\s*\(([^]*)\)$/);
  if (!found) return null;
  const [, kind, inside] = found;
  if (kind !== "label_values") return { kind, text: inside.trim(), label: "" };
  const comma = inside.lastIndexOf(",");
  return { kind, text: inside.slice(0, Math.max(0, comma)).trim(), label: inside.slice(comma + 1).trim() };
}

// What was found, cut and chosen by the variable's expression, and sorted.
function options(variable, found) {
  let kept = found;
  if (variable.regex) {
    const [, body, flags] = variable.regex.match(/^\/([^]*)\/(\w*)$/) ?? [null, variable.regex, ""];
    try {
      const pattern = new RegExp(body, flags.replace(/[gy]/g, ""));
      kept = found.map((one) => pattern.exec(one)).filter(Boolean)
        .map((match) => match.groups?.value ?? match[1] ?? match.input);
    } catch { /* an expression that this browser does not know chooses all */ }
  }
  kept = [...new Set(kept)];
  if ([1, 2, 5, 6].includes(variable.sort)) kept.sort();
  if ([3, 4, 7, 8].includes(variable.sort)) kept.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  return variable.sort && variable.sort % 2 === 0 ? kept.reverse() : kept;
}

// The options of a variable that asks nobody.
function written(variable) {
  const text = typeof variable.query === "string" ? variable.query : "";
  if (variable.type === "custom") {
    return text.split(/(?<!\\),/).map((one) => one.replace("\\,", ",").split(" : ").at(-1).trim()).filter(Boolean);
  }
  if (variable.type === "interval") return text.split(",").map((one) => one.trim()).filter(Boolean);
  return text ? [text] : [];
}

// The value that Grafana gives a variable when a dashboard is opened: the file's where it is an option, else all, else
// the first. ``several``: it is an expression, so its parts are escaped and joined.
function choose(variable, found, range) {
  const several = Boolean(variable.multi || variable.includeAll);
  const chosen = [variable.current?.value ?? []].flat().map(String).filter(Boolean);
  if (variable.type === "datasource") return { parts: ["prometheus"], several: false };
  if (variable.type === "constant" || variable.type === "textbox") {
    return { parts: [variable.type === "textbox" && chosen[0] || String(variable.query ?? "")], several: false };
  }
  if (variable.type === "interval" && chosen[0]?.startsWith("$__auto")) return { parts: [auto(variable, range)] };
  const known = found.length ? chosen.filter((one) => found.includes(one)) : chosen.filter((one) => one !== "$__all");
  if (known.length && !chosen.includes("$__all")) return { parts: variable.multi ? known : known.slice(0, 1), several };
  if (variable.includeAll) return { parts: found, several, whole: variable.allValue || (found.length ? "" : ".+") };
  return { parts: found.slice(0, 1), several };
}

function auto(variable, range) {
  const [, number, unit] = String(variable.auto_min ?? "10s").match(/^(\d+)([smhd])$/) ?? [null, "10", "s"];
  const least = Number(number) * { s: 1, m: 60, h: 3600, d: 86400 }[unit];
  return `${Math.max(least, Math.round(range / (variable.auto_count || 30)))}s`;
}

const SPECIAL = /[$^*{}[\]'+?.()|]/g;

function formatted(value, format) {
  if (typeof value === "string") return value;
  if (value.whole) return value.whole;
  const parts = value.parts ?? [];
  if (format === "pipe") return parts.join("|");
  if (["csv", "raw", "distributed"].includes(format)) return parts.join(",");
  if (format === "regex") return group(parts.map((one) => one.replace(/[-/\\^$*+?.()|[\]{}]/g, "\\$&")));
  if (!value.several) return parts[0] ?? "";
  return group(parts.map((one) => one.replace(/\\/g, "\\\\\\\\").replace(SPECIAL, "\\\\$&")));
}

function group(parts) {
  return parts.length === 1 ? parts[0] : `(${parts.join("|")})`;
}

// A text with its templates replaced; what nobody defines stays.
function resolve(text, values) {
  return text.replace(/\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:}]+)?(?::([^}]+))?\}/g,
    (whole, bare, square, squared, braced, format) => {
      const value = values[bare ?? square ?? braced];
      return value === undefined ? whole : formatted(value, squared ?? format);
    });
}

// The variables in an order in which each comes after those that it names.
function ordered(dashboard) {
  const waiting = [...(dashboard.templating?.list ?? [])].filter((one) => one?.name);
  const done = [];
  while (waiting.length) {
    const needs = (one) => waiting.some((other) => other !== one
      && new RegExp(`(\\$\\{?|\\[\\[)${other.name}\\b`).test(JSON.stringify([one.query ?? "", one.regex ?? ""])));
    const next = Math.max(0, waiting.findIndex((one) => !needs(one)));
    done.push(...waiting.splice(next, 1));
  }
  return done;
}

// All panels in their order, those inside rows too; a row itself is a heading.
function flat(dashboard) {
  const panels = (list, repeat) => (list ?? []).filter(Boolean).flatMap((panel) => {
    if (panel.type === "row") repeat = panel.repeat;
    return [{ ...panel, repeat: panel.repeat ?? repeat }, ...panels(panel.panels, panel.repeat)];
  });
  return panels(dashboard.panels ?? (dashboard.rows ?? []).flatMap((row) => row.panels ?? []));
}

// Kinds that are drawn like another one.
const LIKE = { graph: "timeseries", singlestat: "stat", barchart: "bargauge", "state-timeline": "timeseries",
  "status-history": "timeseries", histogram: "timeseries", trend: "timeseries", "table-old": "table",
  "grafana-piechart-panel": "piechart" };

function kindOf(panel) {
  return LIKE[panel.type] ?? panel.type;
}

// What a panel asks of Prometheus: not what is hidden, nor what another data source is asked.
function queries(panel, dashboard) {
  const sources = Object.fromEntries((dashboard.templating?.list ?? [])
    .filter((one) => one.type === "datasource").map((one) => [one.name, one.query]));
  const kind = ({ datasource }) => {
    const name = String(datasource?.uid ?? datasource ?? "").replace(/^\$\{?|\}$/g, "");
    return sources[name] ?? datasource?.type ?? "prometheus";
  };
  return (panel.targets ?? []).filter((one) => one?.expr && !one.hide
    && ["prometheus", "datasource"].includes(kind(one.datasource ? one : panel)));
}

// A legend such as "{{gate}} P99" with the labels of one series; without one, all labels.
function legend(format, labels) {
  if (format && format !== "__auto") return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "");
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(" ") || "value";
}

if (typeof module !== "undefined") {
  module.exports = { macros, question, options, written, choose, resolve, ordered, flat, kindOf, queries, legend };
}
