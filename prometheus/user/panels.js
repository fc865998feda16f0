// Every kind of panel as HTML text, with its legend: plain functions of a panel and its series; no page needed.
"use strict";

const LINES = 60;
const SHOWN_IN_TABLE = 200;
const latest = (one) => one.values.at(-1) ?? null;
const calcOf = (panel) => panel.options?.reduceOptions?.calcs?.[0] ?? "lastNotNull";
const numberOf = (panel, one) => reduced(one.values, calcOf(panel));

// The legend as Grafana's options have it: a list or a table with figures, below or beside.
function legendOf(panel, lines, hidden, all) {
  const { displayMode = "list", calcs = [], showLegend = true } = panel.options?.legend ?? {};
  if (!showLegend || displayMode === "hidden" || !all.length) return "";
  const shown = new Map(lines.map((one) => [one.name, one]));
  const rows = all.map((one) => ({ ...one, off: hidden?.has(one.name) })).slice(0, LINES);
  const key = (one) => `<button type="button" class="key" data-name="${escaped(one.name)}" aria-pressed="${!one.off}">`
    + `<i style="background:${one.color}"></i>${escaped(one.name)}</button>`;
  if (displayMode !== "table" || !calcs.length) {
    return `<ul class="legend">${rows.map((one) => `<li${one.off ? ' class="off"' : ""}>${key(one)}${figures(one, calcs)}</li>`).join("")}</ul>`;
  }
  const head = calcs.map((calc) => `<th scope="col">${escaped((CALCS[calc] ?? [calc])[0])}</th>`).join("");
  const body = rows.map((one) => `<tr${one.off ? ' class="off"' : ""}><td>${key(one)}</td>${calcs.map((calc) =>
    `<td>${escaped(format(reduced((shown.get(one.name) ?? one).values, calc), one.field.unit, one.field.decimals))}</td>`).join("")}</tr>`);
  return `<div class="legend"><table><thead><tr><th scope="col">Name</th>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

function figures(one, calcs) {
  return calcs.map((calc) => ` <small>${escaped((CALCS[calc] ?? [calc])[0])}: ${escaped(format(reduced(one.values, calc), one.field.unit, one.field.decimals))}</small>`).join("");
}

const KINDS = {
  timeseries(panel, series, how) {
    const drawn = timeseries(panel, series, how);
    return { ...drawn, legend: legendOf(panel, drawn.lines, how.hidden, named(panel, series)) };
  },

  heatmap(panel, series, how) {
    return { ...heatmap(panel, series, how), legend: "" };
  },

  stat(panel, series, { size, span }) {
    const items = named(panel, series).map((one) => {
      const value = numberOf(panel, one);
      const { text, color } = state(value, one.field);
      const mode = panel.options?.colorMode ?? "value";
      const paints = mode === "none" ? "" : ` style="color:${paint(color)}"`;
      const spark = panel.options?.graphMode === "area" && one.values.length > 1 ? sparkline(one, span, paint(color)) : "";
      return `<div class="stat"><b${paints}>${escaped(text)}</b>${series.length > 1 || panel.options?.textMode === "value_and_name"
        ? `<small>${escaped(one.name)}</small>` : ""}${spark}</div>`;
    });
    return { html: `<div class="stats" style="--most:${size.width < 260 ? 18 : 30}px">${items.join("")}</div>`, legend: "" };
  },

  gauge(panel, series) {
    const dials = named(panel, series).map((one) => {
      const value = numberOf(panel, one);
      const { min = 0, max = 100 } = one.field;
      const { text, color } = state(value, one.field);
      const share = Math.min(1, Math.max(0, ((value ?? min) - min) / (max - min || 1)));
      const steps = stepsOf(one.field).map((step, at, all) => [place(step.value, min, max), place(all[at + 1]?.value ?? max, min, max), step.color]);
      const rim = steps.map(([from, to, hue]) => (to > from ? arc(50, from, to, 3, paint(hue)) : "")).join("");
      return `<figure class="gauge"><svg viewBox="0 0 120 84" role="img" aria-label="${escaped(`${one.name} ${text}`)}">`
        + `${arc(42, 0, 1, 11, "var(--line)")}${share > 0 ? arc(42, 0, share, 11, paint(color)) : ""}${rim}`
        + `<text x="60" y="81" text-anchor="middle" class="value" style="fill:${paint(color)}">${escaped(text)}</text></svg>`
        + `<figcaption>${escaped(one.name)}</figcaption></figure>`;
    });
    return { html: `<div class="gauges">${dials.join("")}</div>`, legend: "" };
  },

  bargauge(panel, series) {
    const all = named(panel, series).map((one) => ({ ...one, value: numberOf(panel, one) }));
    const most = Math.max(0, ...all.map((one) => one.value ?? 0));
    const rows = all.map((one) => {
      const { min = 0, max = most || 1 } = one.field;
      const { text, color } = state(one.value, one.field);
      const share = Math.min(1, Math.max(0, ((one.value ?? min) - min) / (max - min || 1)));
      return `<tr><th scope="row">${escaped(one.name)}</th><td class="track"><i style="width:${round1(share * 100)}%;background:${paint(color)}"></i></td>`
        + `<td class="number" style="color:${paint(color)}">${escaped(text)}</td></tr>`;
    });
    return { html: `<table class="bars"><tbody>${rows.join("")}</tbody></table>`, legend: "" };
  },

  piechart(panel, series) {
    const some = named(panel, series).map((one) => ({ ...one, value: numberOf(panel, one) })).filter((one) => one.value > 0)
      .sort((a, b) => b.value - a.value);
    if (!some.length) return { html: nothing("All values are 0"), legend: "" };
    const whole = some.reduce((sum, one) => sum + one.value, 0);
    let from = 0;
    const slices = some.map((one) => {
      const to = from + one.value / whole;
      const slice = `<path d="${ring(from, Math.min(to, from + 0.99999))}" style="fill:${one.color}"><title>${escaped(one.name)}</title></path>`;
      from = to;
      return slice;
    });
    const rows = some.map((one) => `<tr><td><span class="key"><i style="background:${one.color}"></i>${escaped(one.name)}</span></td>`
      + `<td>${escaped(format(one.value, one.field.unit, one.field.decimals))}</td><td>${escaped(format(one.value / whole, "percentunit", 1))}</td></tr>`);
    return { html: `<svg class="pie" viewBox="0 0 100 100" role="img" aria-label="${escaped(panel.title)}">${slices.join("")}</svg>`,
      legend: `<div class="legend"><table><tbody>${rows.join("")}</tbody></table></div>`, beside: true };
  },

  table(panel, series) {
    const names = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].filter((name) => name !== "__name__");
    const refs = new Set(series.map((one) => one.ref)).size > 1;
    const head = [...names, ...(refs ? ["Query"] : []), "Value"].map((name) => `<th scope="col">${escaped(name)}</th>`).join("");
    const body = named(panel, series).slice(0, SHOWN_IN_TABLE).map((one) => {
      const { text, color } = state(latest(one), one.field);
      const cells = [...names.map((name) => one.labels[name] ?? ""), ...(refs ? [one.ref] : [])];
      return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}<td style="color:${color ? paint(color) : "inherit"}">${escaped(text)}</td></tr>`;
    });
    return { html: `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`, legend: "" };
  },
};

const place = (value, min, max) => (value === null ? 0 : Math.min(1, Math.max(0, (value - min) / (max - min || 1))));

// A part of a half circle, from the left over the top; shares from 0 to 1.
function arc(radius, from, to, wide, color) {
  const at = (share) => `${round1(60 - radius * Math.cos(Math.PI * share))} ${round1(64 - radius * Math.sin(Math.PI * share))}`;
  return `<path d="M${at(from)}A${radius} ${radius} 0 0 1 ${at(to)}" style="fill:none;stroke:${color};stroke-width:${wide}"/>`;
}

function ring(from, to) {
  const at = (share, radius) => `${round1(50 + radius * Math.sin(2 * Math.PI * share))} ${round1(50 - radius * Math.cos(2 * Math.PI * share))}`;
  const large = to - from > 0.5 ? 1 : 0;
  return `M${at(from, 48)}A48 48 0 ${large} 1 ${at(to, 48)}L${at(to, 27)}A27 27 0 ${large} 0 ${at(from, 27)}Z`;
}

function sparkline(one, span, color) {
  const [low, high] = domain([one.values], {}, false);
  const points = one.times.map((time, at) => (Number.isFinite(one.values[at])
    ? `${round1((time - span.from) / (span.to - span.from) * 100)},${round1(30 - (one.values[at] - low) / (high - low) * 28)}` : "")).filter(Boolean);
  return `<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true"><polyline points="${points.join(" ")}" style="fill:none;stroke:${color}" vector-effect="non-scaling-stroke"/></svg>`;
}

function nothing(text) {
  return `<div class="empty">${escaped(text)}</div>`;
}

// A text panel: its words, not its markup.
function wordsOf(panel) {
  return String(panel.options?.content ?? panel.content ?? "").replace(/<[^>]*>/g, " ").trim();
}

// What a panel shows: HTML, a legend, and for charts over time where each moment stands.
function drawn(panel, series, how) {
  const kind = kindOf(panel);
  if (panel.type === "text") return { html: `<div class="words">${escaped(wordsOf(panel))}</div>`, legend: "" };
  const drawer = KINDS[kind];
  if (!drawer) return { html: nothing(`A ${panel.type} panel: Grafana draws it`), legend: "" };
  const timed = kind === "timeseries" || kind === "heatmap";
  const some = timed ? series : series.filter((one) => kind === "table" || numberOf(panel, one) !== null);
  if (!some.length) return { html: nothing(series.length ? "No value yet" : "No data"), legend: "" };
  const most = kind === "table" ? SHOWN_IN_TABLE : LINES;
  const cut = kind === "heatmap" ? some : some.slice(0, most);
  return { ...drawer(panel, cut, how), left: some.length - cut.length };
}

if (typeof module !== "undefined") module.exports = { drawn };
