// Moments and spans as people and Grafana write them: now-6h, 2026-01-31 12:00, milliseconds since 1970. No page needed.
"use strict";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, M: 2592000, y: 31536000 };
const SPAN = /(\d+(?:\.\d+)?)([smhdwMy])/g;

// Seconds of "1h30m"; NaN for what is no span.
function seconds(text) {
  const parts = [...String(text).matchAll(SPAN)];
  if (!parts.length || parts.map((one) => one[0]).join("") !== text) return NaN;
  return parts.reduce((sum, [, number, unit]) => sum + number * SECONDS[unit], 0);
}

// Seconds since 1970 of what somebody wrote; NaN for what is no moment. A date without a zone is the reader's own time.
function momentOf(text, now) {
  const plain = String(text ?? "").trim();
  if (plain === "now") return now;
  const ago = plain.match(/^now-([\w.]+)$/);
  if (ago) return now - seconds(ago[1]);
  if (/^\d{9,10}$/.test(plain)) return Number(plain);
  if (/^\d{12,14}$/.test(plain)) return Number(plain) / 1000;
  return /^\d{4}-\d\d/.test(plain) ? Date.parse(plain.replace(" ", "T")) / 1000 : NaN;
}

// The whole span of two texts, or what is wrong with them.
function spanOf({ from, to }, now) {
  const [begins, ends] = [momentOf(from, now), momentOf(to, now)];
  for (const [text, at] of [[from, begins], [to, ends]]) {
    if (Number.isNaN(at)) return { fault: `"${text}" is no moment: write now-6h, 2026-01-31 12:00 or milliseconds` };
  }
  if (ends - begins < 10) return { fault: `"${from}" to "${to}" is less than 10 seconds` };
  return { from: begins, to: ends, live: String(to).trim() === "now" };
}

// What stands behind # in the address: a dashboard, its time and its variables, as in Grafana's own addresses.
function addressed(hash) {
  const text = hash.replace(/^#/, "");
  const at = text.indexOf("?");
  const name = at < 0 ? text : text.slice(0, at);
  const found = { name, from: "", to: "", variables: {} };
  try { found.name = decodeURIComponent(name); } catch { /* a lone % is a name like any other */ }
  for (const [key, value] of new URLSearchParams(at < 0 ? "" : text.slice(at + 1))) {
    if (key === "from" || key === "to") found[key] = value;
    if (key.startsWith("var-")) (found.variables[key.slice(4)] ??= []).push(value);
  }
  return found;
}

function address({ name, from, to, variables }) {
  const query = new URLSearchParams({ from, to });
  for (const [key, values] of Object.entries(variables)) for (const value of values) query.append(`var-${key}`, value);
  return `#${encodeURIComponent(name)}?${query}`;
}

if (typeof module !== "undefined") module.exports = { seconds, momentOf, spanOf, addressed, address };
