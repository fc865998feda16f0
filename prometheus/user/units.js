// How values are written and coloured: Grafana's units, thresholds, mappings, overrides and palette. No page needed.
"use strict";

const IEC = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const SI = ["", "k", "M", "G", "T", "P", "E"];
const SHORT = ["", " K", " Mil", " Bil", " Tri", " Quadr", " Quint"];
const COUNT = ["", "K", "M", "B", "T"];
const SPANS = [["ns", 1e-9], ["µs", 1e-6], ["ms", 1e-3], ["s", 1], ["min", 60], ["hour", 3600], ["day", 86400],
  ["week", 604800], ["year", 31536000]];
const scale = (base, names, sign, from = 0) => ({ base, names, sign, from });
const UNITS = {
  short: scale(1000, SHORT, ""), none: { sign: "" }, string: { sign: "" }, sishort: scale(1000, SI, ""),
  percent: { sign: "%" }, percentunit: { sign: "%", times: 100 }, humidity: { sign: "%H" },
  bytes: scale(1024, IEC, "B"), kbytes: scale(1024, IEC, "B", 1), mbytes: scale(1024, IEC, "B", 2),
  gbytes: scale(1024, IEC, "B", 3), decbytes: scale(1000, SI, "B"), deckbytes: scale(1000, SI, "B", 1),
  decmbytes: scale(1000, SI, "B", 2), decgbytes: scale(1000, SI, "B", 3), bits: scale(1024, IEC, "b"),
  decbits: scale(1000, SI, "b"), Bps: scale(1000, SI, "B/s"), binBps: scale(1024, IEC, "B/s"),
  bps: scale(1000, SI, "b/s"), binbps: scale(1024, IEC, "b/s"), KBs: scale(1000, SI, "B/s", 1),
  MBs: scale(1000, SI, "B/s", 2), pps: scale(1000, SI, "p/s"), hertz: scale(1000, SI, "Hz"),
  volt: scale(1000, SI, "V"), amp: scale(1000, SI, "A"), watt: scale(1000, SI, "W"), joule: scale(1000, SI, "J"),
  lengthm: scale(1000, SI, "m"), massg: scale(1000, SI, "g"), dBm: { sign: " dBm" }, dB: { sign: " dB" },
  celsius: { sign: " °C" }, fahrenheit: { sign: " °F" }, kelvin: { sign: " K" }, rotrpm: { sign: " rpm" },
  ops: scale(1000, COUNT, "ops/s"), reqps: scale(1000, COUNT, "req/s"), cps: scale(1000, COUNT, "c/s"),
  rps: scale(1000, COUNT, "rd/s"), wps: scale(1000, COUNT, "wr/s"), iops: scale(1000, COUNT, "io/s"),
  eps: scale(1000, COUNT, "evt/s"), mps: scale(1000, COUNT, "msg/s"), opm: scale(1000, COUNT, "ops/m"),
  cpm: scale(1000, COUNT, "c/m"), reqpm: scale(1000, COUNT, "req/m"),
  ns: { span: 1e-9 }, "µs": { span: 1e-6 }, ms: { span: 1e-3 }, s: { span: 1 }, m: { span: 60 }, h: { span: 3600 },
  d: { span: 86400 }, dtdurations: { long: 1 }, dtdurationms: { long: 1e-3 }, dthms: { clock: 1 }, dtdhms: { clock: 1 },
  clocks: { clock: 1 }, clockms: { clock: 1e-3 }, dateTimeFromNow: { ago: true }, dateTimeAsIso: { date: true },
  dateTimeAsIsoNoDateIfToday: { date: true }, dateTimeAsUS: { date: true }, dateTimeAsSystem: { date: true },
  bool: { words: ["False", "True"] }, bool_yes_no: { words: ["No", "Yes"] }, bool_on_off: { words: ["Off", "On"] },
};

// Three digits that say something, as Grafana rounds where nobody says how many.
function digits(value, decimals) {
  if (decimals !== undefined && decimals !== null) return value.toFixed(Math.min(20, Math.max(0, decimals)));
  if (value % 1 === 0) return value.toFixed(0);
  const size = Math.floor(Math.log10(Math.abs(value)));
  const places = 1 - size + (value / 10 ** (size - 1) > 2.25 || value < 0 ? 1 : 0);
  return value.toFixed(Math.min(20, Math.max(0, places)));
}

function format(value, unit, decimals) {
  if (value === null || value === undefined || Number.isNaN(value)) return "no value";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  const known = UNITS[unit ?? "short"];
  if (!known) return worded(value, unit, decimals);
  if (known.words) return known.words[value ? 1 : 0];
  if (known.ago) return since((Date.now() - value) / 1000);
  if (known.date) return new Date(value).toISOString().slice(0, 19).replace("T", " ");
  if (known.long) return lasting(value * known.long);
  if (known.clock) return clock(value * known.clock);
  if (known.span) return span(value, known.span, decimals);
  return known.base ? scaled(value, known, decimals) : `${digits(value * (known.times ?? 1), decimals)}${known.sign}`;
}

// Units that carry their own text, such as "suffix:rows", and those that nobody knows: Grafana shows their name.
function worded(value, unit, decimals) {
  const [, kind, sign] = unit.match(/^(prefix|suffix|si|count|currency|time|bool):(.*)$/) ?? [null, "suffix", unit];
  if (kind === "prefix") return `${sign}${digits(value, decimals)}`;
  if (kind === "si") return scaled(value, scale(1000, SI, sign), decimals);
  if (kind === "count") return scaled(value, scale(1000, COUNT, sign), decimals);
  return `${digits(value, decimals)} ${sign}`.trim();
}

function scaled(value, { base, names, sign, from }, decimals) {
  let step = from;
  while (Math.abs(value) >= base && step < names.length - 1) { value /= base; step += 1; }
  const close = names === SHORT || names === COUNT;
  const tail = close ? `${names[step]}${sign && ` ${sign}`}` : `${names[step]}${sign}` && ` ${names[step]}${sign}`;
  return `${digits(value, decimals)}${tail}`;
}

// A span of time in the largest unit that fits, never in one smaller than its own.
function span(value, seconds, decimals) {
  const own = SPANS.findIndex(([, size]) => size === seconds);
  const least = seconds === 1 ? 0 : own;
  const whole = Math.abs(value * seconds);
  let at = whole === 0 ? own : least;
  while (whole !== 0 && at < SPANS.length - 1 && whole >= SPANS[at + 1][1]) at += 1;
  return `${digits(value * seconds / SPANS[at][1], decimals)} ${SPANS[at][0]}`;
}

function lasting(seconds) {
  const names = [["year", 31536000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  let left = Math.abs(seconds);
  const parts = [];
  for (const [name, size] of names) {
    const count = Math.floor(left / size);
    if (count) parts.push(`${count} ${name}${count > 1 ? "s" : ""}`);
    left -= count * size;
  }
  return parts.slice(0, 2).join(", ") || `${digits(seconds)} s`;
}

function clock(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  const two = (number) => String(number).padStart(2, "0");
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function since(seconds) {
  for (const [size, name] of [[86400, "day"], [3600, "hour"], [60, "minute"]]) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count} ${name}${count > 1 ? "s" : ""} ago`;
  }
  return "just now";
}

// Round places on an axis: powers of two for bytes, minutes and hours for seconds, else 1, 2 and 5.
function places(low, high, count, unit) {
  const known = UNITS[unit] ?? {};
  const times = known.times ?? 1;
  const raw = (high - low) / Math.max(1, count) * times;
  if (!(raw > 0)) return [low];
  const ten = 10 ** Math.floor(Math.log10(raw));
  const clocks = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const step = (known.base === 1024 ? 2 ** Math.ceil(Math.log2(raw))
    : known.span === 1 && raw > 1 && raw <= 86400 ? clocks.find((one) => one >= raw)
      : ten * [1, 2, 2.5, 5, 10].find((one) => one * ten >= raw * 0.999)) / times;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) },
    (_, at) => Number(((first + at) * step).toPrecision(12)));
}

// The value at an axis: no more zeros than it needs.
function short(value, unit) {
  return format(value, unit).replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
}

const HUES = {
  red: ["#c4162a", "#e02f44", "#f2495c", "#ff7383", "#ffa6b0"], orange: ["#fa6400", "#ff780a", "#ff9830", "#ffb357", "#ffcb7d"],
  yellow: ["#e0b400", "#f2cc0c", "#fade2a", "#ffee52", "#fff899"], green: ["#37872d", "#56a64b", "#73bf69", "#96d98d", "#c8f2c2"],
  blue: ["#1f60c4", "#3274d9", "#5794f2", "#8ab8ff", "#c0d8ff"], purple: ["#8f3bb8", "#a352cc", "#b877d9", "#ca95e5", "#deb6f2"],
};
const SHADES = { dark: 0, "semi-dark": 1, "": 2, light: 3, "super-light": 4 };
const CLASSIC = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#8a78c0", "#37872d", "#e0b400",
  "#447ebc", "#c15c17", "#e02f44", "#5195ce", "#c15fb0", "#9673b9", "#56a64b", "#ba43a9", "#6a9f58", "#d05b4c"];

// A colour of Grafana's as CSS has it; hues without a shade follow the theme, so that they can be read on both.
function paint(color) {
  const [, shade, hue] = String(color ?? "").match(/^(?:(dark|semi-dark|light|super-light)-)?(red|orange|yellow|green|blue|purple)$/) ?? [];
  if (hue) return shade ? HUES[hue][SHADES[shade]] : `var(--${hue}, ${HUES[hue][2]})`;
  if (!color || color === "text") return "var(--text)";
  return /^[#\w(),.%\s-]+$/.test(color) ? color : "var(--text)";
}

// What holds for one series: the panel's defaults, and the overrides that name it.
function fieldOf(panel, series) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const field = { ...defaults, custom: { ...defaults.custom } };
  for (const { matcher = {}, properties = [] } of overrides.filter((one) => one && meant(one.matcher ?? {}, series))) {
    for (const { id = "", value } of properties) {
      if (id.startsWith("custom.")) field.custom[id.slice(7)] = value;
      else field[id] = value;
    }
  }
  return field;
}

function meant({ id, options }, series) {
  if (id === "byName") return options === series.name;
  if (id === "byFrameRefID") return options === series.ref;
  if (id !== "byRegexp") return false;
  const [, body, flags] = String(options).match(/^\/([^]*)\/(\w*)$/) ?? [null, String(options), ""];
  try { return new RegExp(body, flags).test(series.name); } catch { return false; }
}

// The name and the colour that a field's mappings and thresholds give to a value.
function state(value, field) {
  const mapped = (field.mappings ?? []).map((one) => mapping(one, value)).find(Boolean);
  const step = stepsOf(field).filter((one) => one.value === null || value >= one.value).at(-1);
  return { text: mapped?.text ?? format(value, field.unit, field.decimals), color: mapped?.color ?? step?.color };
}

function mapping({ type, options = {} }, value) {
  if (type === "range") {
    return value >= (options.from ?? -Infinity) && value <= (options.to ?? Infinity) ? options.result : null;
  }
  if (type === "special") {
    const kind = options.match ?? "";
    const nothing = value === null || Number.isNaN(value);
    return nothing && /null|nan|empty/.test(kind) ? options.result : null;
  }
  return options[String(value)] ?? null;
}

// Thresholds in the field's own numbers, also where they are written as percent of its range.
function stepsOf(field) {
  const { mode, steps = [] } = field.thresholds ?? {};
  const low = field.min ?? 0;
  const high = field.max ?? 100;
  return steps.map((one) => {
    const bound = one.value ?? null;
    return { color: one.color, value: bound !== null && mode === "percentage" ? low + (high - low) * bound / 100 : bound };
  });
}

// The colour of one series of a panel: by its place, its name, its value, or fixed. ``taken``: those of others.
function colorOf(field, series, at, taken = new Set()) {
  const { mode = "palette-classic", fixedColor } = field.color ?? {};
  if (mode === "fixed" || mode === "shades") return paint(fixedColor ?? "green");
  if (mode === "thresholds") return paint(state(lastOf(series.values), field).color ?? "green");
  let place = mode === "palette-classic-by-name" ? [...series.name].reduce((sum, one) => (sum * 31 + one.codePointAt(0)) >>> 0, 7) : at;
  for (let tries = 0; tries < CLASSIC.length && taken.has(CLASSIC[place % CLASSIC.length]); tries += 1) place += 1;
  taken.add(CLASSIC[place % CLASSIC.length]);
  return CLASSIC[place % CLASSIC.length];
}

function lastOf(values) {
  for (let at = values.length - 1; at >= 0; at -= 1) if (Number.isFinite(values[at])) return values[at];
  return null;
}

const CALCS = {
  lastNotNull: ["Last", lastOf], last: ["Last", lastOf], max: ["Max", (v) => v.reduce((a, b) => (b > a ? b : a), -Infinity)],
  min: ["Min", (v) => v.reduce((a, b) => (b < a ? b : a), Infinity)], mean: ["Mean", (v) => CALCS.sum[1](v) / v.length],
  sum: ["Total", (v) => v.reduce((a, b) => a + b, 0)], count: ["Count", (v) => v.length],
  first: ["First", (v) => v[0]], firstNotNull: ["First", (v) => v[0]], range: ["Range", (v) => CALCS.max[1](v) - CALCS.min[1](v)],
};

// One number of many, as the panel's options have it.
function reduced(values, calc) {
  const some = values.filter((one) => Number.isFinite(one));
  return some.length ? (CALCS[calc] ?? CALCS.lastNotNull)[1](some) : null;
}

if (typeof module !== "undefined") {
  module.exports = { format, since, state, places, short, fieldOf, paint, colorOf, reduced };
}
