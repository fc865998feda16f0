// The report: what was asked of a stack, drawn by the quick look's own functions. All data lies in this file.
"use strict";

const told = JSON.parse(document.getElementById("data").textContent);
const UTC = true;
const plain = (value) => escaped(value === null || value === undefined || value === "" ? "-" : value);
const shownMoment = (seconds) => `${moment(seconds, UTC, "whole")} UTC`;
const lasted = (seconds) => (seconds >= 60 ? lasting(Math.round(seconds / 60) * 60) : `${Math.round(seconds)} s`);

function table(head, rows, kind = "") {
  return `<div class="scroll"><table class="numbers ${kind}"><thead><tr>${head.map((one) => `<th scope="col">${escaped(one)}</th>`).join("")}</tr></thead>`
    + `<tbody>${rows.join("")}</tbody></table></div>`;
}

const row = (cells, kind = "") => `<tr class="${kind}">${cells.map((one) => `<td>${one}</td>`).join("")}</tr>`;

function section(id, title, inside, about = "") {
  return `<section id="${escaped(id)}"><h2>${escaped(title)}</h2>${about && `<p class="note">${escaped(about)}</p>`}${inside}</section>`;
}

function facts() {
  const firing = told.alerts.filter((one) => one.firing && one.severity !== "none").length;
  const up = told.targets.filter((one) => one.health === "up").length;
  const faults = told.components.filter((one) => !/^running/.test(one.state)).length;
  const found = [["Stack", told.status, faults ? false : told.status === "running" ? true : null], ["Alerts firing at the end", firing, firing === 0],
    ["Alerts that fired", told.alerts.filter((one) => one.severity !== "none").length + told.alerts_left, null],
    ["Targets up", `${up} of ${told.targets.length}`, up === told.targets.length], ["Components", told.components.length, null],
    ["Data", told.data.length ? format(told.data.reduce((sum, one) => sum + one.bytes, 0), "bytes") : "-", null]];
  return `<div class="facts">${found.map(([name, value, good]) =>
    `<div><small>${name}</small><b class="${good === null ? "" : good ? "good" : "bad"}">${plain(value)}</b></div>`).join("")}</div>`;
}

function alerts() {
  const length = told.to - told.from;
  const rows = told.alerts.map((one) => row([
    `<b>${plain(one.name)}</b>`, plain(one.severity), one.firing ? `<b class="${one.severity === "none" ? "" : "bad"}">firing</b>` : "past", plain(lasted(one.seconds)),
    plain(`${one.earlier ? "before " : ""}${shownMoment(one.spans[0][0])}`), plain(one.firing ? "-" : shownMoment(one.spans.at(-1)[1])), plain(one.spans.length),
    plain(Object.entries(one.labels).map(([name, value]) => `${name}=${value}`).join(" ")),
    `<div class="track-of-time">${one.spans.map(([from, to]) => `<i style="left:${round1(100 * (from - told.from) / length)}%;width:${round1(100 * (to - from) / length)}%"></i>`).join("")}</div>`,
  ], `severity-${one.severity.replace(/\W/g, "")}`));
  const more = told.alerts_left ? `<p class="note">${told.alerts_left} more are not listed: they fired for less time.</p>` : "";
  return section("alerts", "Alerts", rows.length ? table(["Alert", "Severity", "State", "In all", "First", "Until", "Times", "Labels", "When"], rows) + more
    : "<p>None fired.</p>", `What fired, to ${Math.round(told.alerts_step)} s; one that fired for less may be missing. The Watchdog is meant to fire always.`);
}

function budgets() {
  const kinds = ["gauge", "bargauge", "stat"];
  const found = told.boards.filter((board) => board.tags.includes("slo"))
    .flatMap((board) => board.panels.filter((panel) => kinds.includes(kindOf(panel))).map((panel) => [board, panel]));
  const rows = found.flatMap(([board, panel]) => named(panel, spread(panel)).map((one) => {
    const value = numberOf(panel, one);
    const { text, color } = state(value, one.field);
    return row([plain(panel.title), plain(one.name), `<b style="color:${paint(color)}">${escaped(text)}</b>`, plain(board.title)]);
  }));
  return rows.length ? section("budgets", "Service level objectives", table(["Objective", "Of", "Value", "Dashboard"], rows),
    "From the dashboards that have the tag slo, at the end of the range.") : "";
}

function targets() {
  const rows = told.targets.map((one) => row([plain(one.job), plain(one.instance), `<b class="${one.health === "up" ? "good" : "bad"}">${plain(one.health)}</b>`,
    one.available === null ? "-" : escaped(format(one.available, "percentunit", 2)), plain(one.error)]));
  return section("targets", "Targets", rows.length ? table(["Job", "Instance", "Now", "Up of the range", "Error"], rows) : `<p>${plain(told.silent || "none")}</p>`);
}

function inventory() {
  const components = told.components.map((one) => row([plain(one.component), plain(one.state), plain(one.image), plain(one.version),
    one.uptime_seconds ? plain(lasted(one.uptime_seconds)) : "-", one.memory_bytes ? escaped(format(one.memory_bytes, "bytes")) : "-"]));
  const data = told.data.map((one) => row([plain(one.component), escaped(format(one.bytes, "bytes")), one.bound_bytes ? escaped(format(one.bound_bytes, "bytes")) : "-", escaped(format(one.free_bytes, "bytes"))]));
  const words = [...told.faults.map((one) => `${one.component}: ${one.cause}: ${one.remedy}`), ...told.remarks, ...told.absent.map((one) => `absent: ${one.component}: ${one.reason}`)];
  return section("versions", "Versions and sizes", table(["Component", "State", "Image", "Version", "Up for", "Memory"], components)
    + (data.length ? table(["Data of", "Size", "Bound", "Free"], data) : "")
    + (words.length ? `<ul>${words.map((one) => `<li>${escaped(one)}</li>`).join("")}</ul>` : "")
    + `<p class="note">Made by monitoring-stack ${escaped(told.made_by)}, engine ${escaped(told.engine)}.</p>`);
}

// The series of a panel as the drawing functions take them.
function spread(panel) {
  return panel.series.map((one) => ({
    name: legend(one.f, one.l), ref: one.r, labels: one.l, step: one.d,
    times: one.v.map((_, at) => one.s + at * one.d),
    values: one.v.map((value) => (value === null ? NaN : Number(value))),
  }));
}

function boards() {
  return told.boards.map((board, n) => section(`board-${n}`, board.title, `<main>${board.panels.map((panel, at) => {
    const wide = panel.gridPos?.w ?? 12;
    const kind = ["stat", "gauge", "bargauge", "piechart"].includes(kindOf(panel)) ? " half" : "";
    return `<div class="panel${kind}" style="grid-column:span ${wide};--tall:${Math.max(120, (panel.gridPos?.h ?? 8) * 24)}px">`
      + `<h3 title="${escaped(panel.description)}">${escaped(panel.title)}</h3><div class="plot" data-board="${n}" data-panel="${at}"></div></div>`;
  }).join("")}</main>${board.remarks.map((one) => `<p class="note">${escaped(one)}</p>`).join("")}`, board.description)).join("");
}

function fill(node) {
  const panel = told.boards[node.dataset.board].panels[node.dataset.panel];
  delete node.dataset.board;
  if (panel.note && !panel.series.length) {
    node.innerHTML = nothing(panel.note);
    return;
  }
  const [from, to] = panel.span ?? [told.from, told.to];
  const height = parseFloat(getComputedStyle(node.parentNode).getPropertyValue("--tall"));
  const how = { size: { width: Math.max(240, node.clientWidth), height }, span: { from, to }, utc: UTC, hidden: new Set() };
  const draw = () => {
    const made = drawn(panel, spread(panel), how);
    placed(node, { ...made, left: (made.left ?? 0) + (panel.left ?? 0) }, { again: draw, zoom: null, utc: UTC, hidden: how.hidden });
  };
  draw();
  if (panel.note) node.insertAdjacentHTML("beforeend", `<p class="note bad">${escaped(panel.note)}</p>`);
}

function contents() {
  const parts = [["alerts", "Alerts"], ["targets", "Targets"], ["versions", "Versions and sizes"], ...told.boards.map((one, n) => [`board-${n}`, one.title])];
  const left = told.left_out.length ? `<p class="note bad">Beyond the bounds of one report, and left out: ${escaped(told.left_out.map((one) => `${one.title} (${one.uid})`).join(", "))}; `
    + "--dashboard UID chooses.</p>" : "";
  return `<ul class="contents">${parts.map(([id, name]) => `<li><a href="#${id}">${escaped(name)}</a></li>`).join("")}</ul>${left}`;
}

const waiting = () => [...document.querySelectorAll(".plot[data-board]")];

function start() {
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.getElementById("about").textContent = `From ${shownMoment(told.from)} to ${shownMoment(told.to)}, written ${shownMoment(told.made)}. Times are UTC.`;
  document.getElementById("report").innerHTML = facts() + contents() + alerts() + budgets() + targets() + inventory() + boards();
  document.getElementById("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  });
  const near = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach(({ target }) => {
    near.unobserve(target);
    if (target.dataset.board) fill(target);
  }), { rootMargin: "1000px" });
  waiting().forEach((node) => near.observe(node));
  addEventListener("beforeprint", () => waiting().forEach(fill));
}

start();
