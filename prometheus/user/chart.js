// Charts over time as SVG text: lines, areas, bars, stacks, thresholds, heat maps. Made of plain values; no page needed.
"use strict";

const LETTER = 7;
const escaped = (text) => String(text ?? "").replace(/[&<>"']/g, (one) => `&#${one.codePointAt(0)};`);
const round1 = (number) => Math.round(number * 10) / 10;
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800,
  604800, 1209600, 2592000, 7776000, 31536000];

// One moment in seconds as it stands on an axis; ``utc`` else the reader's own time.
function moment(seconds, utc, form = "minute") {
  const at = new Date((seconds - (utc ? 0 : new Date(seconds * 1000).getTimezoneOffset() * 60)) * 1000);
  if (Number.isNaN(at.getTime())) return "";
  const text = at.toISOString();
  return { second: text.slice(11, 19), minute: text.slice(11, 16), day: text.slice(5, 10),
    both: `${text.slice(5, 10)} ${text.slice(11, 16)}`, whole: text.slice(0, 19).replace("T", " ") }[form];
}

function timeTicks({ from, to }, width, utc) {
  const step = TIME_STEPS.find((one) => (to - from) / one <= Math.max(2, width / 86)) ?? TIME_STEPS.at(-1);
  const form = step < 60 ? "second" : step >= 86400 ? "day" : to - from > 86400 ? "both" : "minute";
  const shift = utc ? 0 : new Date(from * 1000).getTimezoneOffset() * 60;
  const ticks = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) ticks.push([at, moment(at, utc, form)]);
  return ticks;
}

// From the lowest to the highest value, with some air; from 0 where that is near, never below it without need.
function domain(columns, field, zero) {
  let low = Infinity;
  let high = -Infinity;
  for (const values of columns) {
    for (const one of values) {
      if (!Number.isFinite(one)) continue;
      if (one < low) low = one;
      if (one > high) high = one;
    }
  }
  if (low > high) [low, high] = [0, 1];
  const soft = field.custom ?? {};
  low = Math.min(low, soft.axisSoftMin ?? low, zero ? 0 : low);
  high = Math.max(high, soft.axisSoftMax ?? high, zero ? 0 : high);
  const air = (high - low || Math.abs(high) || 1) * 0.08;
  const near = low >= 0 && low <= (high - low) * 2;
  const least = field.min ?? (near ? 0 : low - (zero ? 0 : air));
  const most = field.max ?? high + air;
  return most > least ? [least, most] : [least, least + 1];
}

// The frame of a chart: where its values stand, its axes and grid.
function framed(size, span, [low, high], unit, utc) {
  const ticks = places(low, high, Math.max(2, Math.floor(size.height / 36)), unit);
  const names = ticks.map((one) => short(one, unit));
  const left = 10 + Math.max(16, ...names.map((one) => one.length * LETTER));
  const box = { left: round1(left), top: 8, width: round1(Math.max(20, size.width - left - 14)),
    height: round1(Math.max(20, size.height - 30)) };
  const x = (time) => round1(box.left + (time - span.from) / (span.to - span.from) * box.width);
  const y = (value) => round1(box.top + box.height - (value - low) / (high - low) * box.height);
  const bottom = box.top + box.height;
  const lines = ticks.map((one, at) => `<path class="grid" d="M${box.left} ${y(one)}h${box.width}"/>`
    + `<text class="tick y" x="${box.left - 6}" y="${y(one) + 4}" text-anchor="end">${escaped(names[at])}</text>`);
  const times = timeTicks(span, box.width, utc).filter(([at]) => x(at) >= box.left && x(at) <= box.left + box.width);
  lines.push(...times.map(([at, name]) => `<path class="grid" d="M${x(at)} ${box.top}v${box.height}"/>`
    + (x(at) - box.left < 18 || box.left + box.width + 14 - x(at) < name.length * LETTER / 2 ? ""
      : `<text class="tick x" x="${x(at)}" y="${bottom + 16}" text-anchor="middle">${escaped(name)}</text>`)));
  return { box, x, y, low, high, axes: `<g class="axes">${lines.join("")}</g>` };
}

function svg(size, title, inside) {
  return `<svg class="chart" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}"`
    + ` role="img" aria-label="${escaped(title)}">${inside}</svg>`;
}

// The pieces of a line between its gaps: where a value is missing, or a point is further away than one step.
function pieces(times, values, step) {
  const found = [];
  let piece = null;
  for (let at = 0; at < values.length; at += 1) {
    const apart = at > 0 && step > 0 && times[at] - times[at - 1] > step * 1.5;
    if (!Number.isFinite(values[at]) || apart) piece = null;
    if (!Number.isFinite(values[at])) continue;
    if (!piece) found.push(piece = []);
    piece.push(at);
  }
  return found;
}

function outline(one, frame, piece, bases) {
  const high = (at) => Math.max(frame.y.top, Math.min(frame.y.bottom, frame.y(one.tops[at])));
  const stepped = one.field.custom?.lineInterpolation === "stepAfter";
  const points = piece.map((at, n) => `${n ? (stepped ? `H${frame.x(one.times[at])}V` : `L${frame.x(one.times[at])} `)
    : `M${frame.x(one.times[at])} `}${high(at)}`).join("");
  if (!bases) return points;
  const back = piece.map((at) => `L${frame.x(one.times[at])} ${frame.y(bases[at])}`).reverse().join("");
  return `${points}${back}Z`;
}

function line(one, frame) {
  const { custom = {} } = one.field;
  const opacity = (custom.fillOpacity ?? 0) / 100;
  const found = pieces(one.times, one.tops, one.step);
  if (custom.drawStyle === "bars") return bars(one, frame);
  const wide = custom.lineWidth ?? 1;
  const dash = custom.lineStyle?.fill === "dash" ? ";stroke-dasharray:6 4" : custom.lineStyle?.fill === "dot" ? ";stroke-dasharray:1 4" : "";
  const shapes = found.map((piece) => {
    if (piece.length === 1 || custom.drawStyle === "points") {
      return piece.map((at) => `<circle cx="${frame.x(one.times[at])}" cy="${frame.y(one.tops[at])}" r="2.5" style="fill:${one.color}"/>`).join("");
    }
    const area = opacity ? `<path d="${outline(one, frame, piece, one.bases)}" style="fill:${one.color};fill-opacity:${opacity}"/>` : "";
    return `${area}<path d="${outline(one, frame, piece)}" style="fill:none;stroke:${one.color};stroke-width:${wide + 0.4}${dash}"/>`;
  });
  return `<g class="series">${shapes.join("")}</g>`;
}

function bars(one, frame) {
  const wide = Math.max(1, frame.box.width / Math.max(1, (frame.to - frame.from) / (one.step || 1)) * 0.8);
  return `<g class="series">${one.times.map((time, at) => {
    if (!Number.isFinite(one.tops[at])) return "";
    const [a, b] = [frame.y(one.tops[at]), frame.y(one.bases[at])];
    return `<rect x="${round1(frame.x(time) - wide / 2)}" y="${Math.min(a, b)}" width="${round1(wide)}" height="${Math.abs(a - b)}" style="fill:${one.color};fill-opacity:.7"/>`;
  }).join("")}</g>`;
}

// What lies on what: the top of each series, and what it stands on. Bottoms are 0 or the axis where nothing is stacked.
function stacked(lines, panel, ground) {
  const sums = new Map();
  return lines.map((one) => {
    const { mode = "none" } = one.field.custom?.stacking ?? {};
    const on = mode === "normal" || mode === "percent";
    const bases = one.times.map((time) => (on ? sums.get(time) ?? 0 : ground));
    const tops = one.values.map((value, at) => (on && Number.isFinite(value) ? bases[at] + value : value));
    if (on) one.times.forEach((time, at) => Number.isFinite(tops[at]) && sums.set(time, tops[at]));
    return { ...one, tops, bases };
  });
}

// Thresholds as lines and as shades, as far as the axis reaches.
function marks(field, frame) {
  const style = field.custom?.thresholdsStyle?.mode ?? "off";
  if (style === "off") return "";
  const steps = stepsOf(field);
  const inside = (value) => Math.min(frame.high, Math.max(frame.low, value));
  const shades = style.includes("area") ? steps.map((one, at) => {
    const [low, high] = [inside(one.value ?? -Infinity), inside(steps[at + 1]?.value ?? Infinity)];
    return high > low ? `<rect x="${frame.box.left}" y="${frame.y(high)}" width="${frame.box.width}" height="${round1(frame.y(low) - frame.y(high))}" style="fill:${paint(one.color)};fill-opacity:.1"/>` : "";
  }) : [];
  const seen = steps.filter((one) => one.value !== null && one.value >= frame.low && one.value <= frame.high);
  const dash = style.startsWith("dash") ? ";stroke-dasharray:8 6" : "";
  const lines = /line|dash/.test(style) ? seen.map((one) => `<path class="threshold" d="M${frame.box.left} ${frame.y(one.value)}h${frame.box.width}" style="stroke:${paint(one.color)}${dash}"/>`) : [];
  return `<g class="thresholds">${[...shades, ...lines].join("")}</g>`;
}

// Series by name, colour and field; ``hidden`` are the names that somebody switched off.
function named(panel, series, hidden) {
  const taken = new Set();
  return series.map((one, at) => {
    const field = fieldOf(panel, one);
    return { ...one, field, name: field.displayName || one.name, color: colorOf(field, one, at, taken) };
  }).filter((one) => !hidden?.has(one.name));
}

function timeseries(panel, series, { size, span, utc, hidden }) {
  const lines = named(panel, series, hidden);
  const field = { ...panel.fieldConfig?.defaults, ...(lines.length === 1 ? lines[0].field : {}) };
  const stacks = lines.some((one) => ["normal", "percent"].includes(one.field.custom?.stacking?.mode));
  const drawn = stacked(lines, panel, 0);
  const zero = stacks || lines.some((one) => one.field.custom?.drawStyle === "bars");
  const range = domain(drawn.map((one) => one.tops), field, zero);
  const frame = { ...framed(size, span, range, field.unit, utc), ...span };
  Object.assign(frame.y, { top: frame.box.top, bottom: frame.box.top + frame.box.height });
  const ground = Math.min(range[1], Math.max(range[0], 0));
  const shapes = drawn.map((one) => line({ ...one, bases: stacks ? one.bases : one.bases.map(() => ground) }, frame));
  return {
    html: svg(size, panel.title, `${frame.axes}${marks(field, frame)}${shapes.join("")}`),
    frame: { ...frame.box, ...span }, lines: drawn,
  };
}

// Cumulative Prometheus buckets as one row per bucket, lowest first.
function buckets(series) {
  const bound = (le) => (le === "+Inf" ? Infinity : Number(le));
  const rows = series.filter((one) => "le" in one.labels).sort((a, b) => bound(a.labels.le) - bound(b.labels.le));
  return rows.map((row, index) => {
    const below = index ? new Map(rows[index - 1].times.map((time, at) => [time, rows[index - 1].values[at]])) : new Map();
    return { ...row, le: row.labels.le, values: row.values.map((value, at) => Math.max(0, value - (below.get(row.times[at]) ?? 0))) };
  });
}

function heatmap(panel, series, { size, span, utc }) {
  const unit = panel.options?.yAxis?.unit ?? panel.fieldConfig?.defaults?.unit;
  const rows = buckets(series);
  const names = rows.map((row) => (row.le === "+Inf" ? "∞" : short(Number(row.le), unit)));
  const frame = framed(size, span, [0, Math.max(1, rows.length)], "none", utc);
  const left = 10 + Math.max(16, ...names.map((one) => one.length * LETTER));
  const box = { ...frame.box, left, width: Math.max(20, size.width - left - 14) };
  const x = (time) => round1(box.left + (time - span.from) / (span.to - span.from) * box.width);
  const tall = box.height / Math.max(1, rows.length);
  const top = (at) => round1(box.top + box.height - (at + 1) * tall);
  const most = Math.max(1e-12, ...rows.map((row) => row.values.reduce((a, b) => (b > a ? b : a), 0)));
  const cells = rows.flatMap((row, at) => row.times.map((time, n) => (row.values[n] > 0
    ? `<rect x="${x(time - row.step)}" y="${top(at)}" width="${Math.max(1, round1(x(time) - x(time - row.step)))}" height="${Math.max(1, round1(tall - 0.6))}" style="fill-opacity:${round1(Math.sqrt(row.values[n] / most) * 10) / 10}"/>` : "")));
  const every = Math.ceil(14 / tall);
  const labels = names.map((name, at) => (at % every ? "" : `<text class="tick y" x="${box.left - 6}" y="${round1(top(at) + tall / 2 + 4)}" text-anchor="end">${escaped(name)}</text>`));
  const times = timeTicks(span, box.width, utc).filter(([at]) => x(at) - box.left > 18 && box.left + box.width - x(at) > 6)
    .map(([at, name]) => `<text class="tick x" x="${x(at)}" y="${box.top + box.height + 16}" text-anchor="middle">${escaped(name)}</text>`);
  const clip = `<svg x="${box.left}" y="0" width="${box.width}" height="${size.height}" viewBox="${box.left} 0 ${box.width} ${size.height}">`;
  return {
    html: svg(size, panel.title, `${clip}<g class="heat">${cells.join("")}</g></svg><g class="axes">${labels.join("")}${times.join("")}</g>`),
    frame: { ...box, ...span }, lines: rows.map((row, at) => ({ ...row, name: `≤ ${names[at]}`, color: "var(--link)", field: { unit: "short" } })),
  };
}

if (typeof module !== "undefined") module.exports = { buckets, moment, timeseries, heatmap };
