// What a value is called and which colour it has, and what a panel asks: plain functions without a page.
"use strict";

const SCRAPE = 5;
const BYTES = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
const COUNTS = ["", "k", "M", "G", "T"];
const SUFFIX = { ops: "/s", cps: "/s", wps: "/s", reqps: "/s", ms: " ms", s: " s", percent: " %", bytes: "B", Bps: "B/s" };

// Grafana's template variables and macros for one panel at a range in seconds.
function variables(dashboard, range) {
  const interval = Math.max(SCRAPE, Math.ceil(range / 400));
  const values = {
    __rate_interval: `${Math.max(interval + SCRAPE, 4 * SCRAPE)}s`,
    __interval: `${interval}s`,
    __interval_ms: `${interval * 1000}`,
    __range: `${range}s`,
    __range_s: `${range}`,
    __range_ms: `${range * 1000}`,
  };
  for (const variable of dashboard.templating?.list ?? []) {
    const chosen = [variable.current?.value ?? ""].flat();
    const all = chosen.includes("$__all") || (variable.includeAll && !chosen.some(Boolean));
    values[variable.name] = all ? variable.allValue || ".+" : chosen.join("|") || ".+";
  }
  return { values, interval };
}

function resolve(text, values) {
  return text.replace(/\$(?:\{(\w+)(?::[^}]*)?\}|(\w+))/g, (whole, braced, bare) => values[braced ?? bare] ?? whole);
}

// A legend such as "{{gate}} P99" with the labels of one series; without one, all labels.
function legend(format, labels) {
  if (format) return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "");
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(" ") || "value";
}

function digits(value, decimals) {
  if (decimals !== undefined) return value.toFixed(decimals);
  return String(Number(value.toPrecision(3)));
}

function scaled(value, base, names, decimals) {
  let step = 0;
  while (Math.abs(value) >= base && step < names.length - 1) { value /= base; step += 1; }
  return digits(value, step ? undefined : decimals) + (names[step] && ` ${names[step]}`);
}

function format(value, unit, decimals) {
  if (value === null || Number.isNaN(value)) return "no value";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  if (unit === "percentunit") return `${digits(value * 100, decimals)} %`;
  if (unit === "dateTimeFromNow") return since((Date.now() - value) / 1000);
  if (unit === "bytes" || unit === "Bps") return scaled(value, 1024, BYTES, decimals) + SUFFIX[unit];
  if (unit === "s" || unit === "ms" || unit === "percent") return digits(value, decimals) + SUFFIX[unit];
  return scaled(value, 1000, COUNTS, decimals) + (SUFFIX[unit] ?? "");
}

function since(seconds) {
  for (const [size, name] of [[86400, "days"], [3600, "hours"], [60, "minutes"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${name} ago`;
  }
  return "just now";
}

// The name and the colour that the panel's field settings give to a value.
function state(value, defaults) {
  const mapped = (defaults.mappings ?? []).map((mapping) => mapping.options?.[String(value)]).find(Boolean);
  const steps = defaults.thresholds?.steps ?? [];
  const step = steps.filter((one) => one.value === null || one.value === undefined || value >= one.value).at(-1);
  return {
    text: mapped?.text ?? format(value, defaults.unit, defaults.decimals),
    color: mapped?.color ?? step?.color,
  };
}

// Cumulative Prometheus buckets as one row per bucket, lowest first.
function buckets(series) {
  const rows = series.filter((one) => "le" in one.labels)
    .sort((a, b) => bound(a.labels.le) - bound(b.labels.le));
  return rows.map((row, index) => ({
    le: row.labels.le,
    times: row.times,
    values: row.values.map((value, at) => Math.max(0, value - (index ? rows[index - 1].values[at] ?? 0 : 0))),
  }));
}

function bound(le) {
  return le === "+Inf" ? Infinity : Number(le);
}

if (typeof module !== "undefined") module.exports = { variables, resolve, legend, format, since, state, buckets };
