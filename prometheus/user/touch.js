// What a drawn panel does under a mouse or a keyboard: figures at a moment, a span to look at, series on and off.
"use strict";

// Puts a panel's drawing into its node; ``again`` draws it anew, ``zoom`` is told a span that somebody marked.
function placed(node, made, { again, zoom, utc, hidden }) {
  node.innerHTML = `<div class="drawing${made.beside ? " beside" : ""}"><div class="canvas">${made.html}</div>${made.legend}</div>`
    + (made.left > 0 ? `<p class="left">${made.left} more series are not drawn</p>` : "");
  for (const key of node.querySelectorAll("button.key")) {
    key.addEventListener("click", (event) => {
      toggle(hidden, key.dataset.name, [...node.querySelectorAll("button.key")].map((one) => one.dataset.name), event.ctrlKey || event.metaKey || event.shiftKey);
      again();
    });
  }
  const chart = node.querySelector("svg.chart");
  if (chart && made.frame) follow(node, chart, made, zoom, utc);
}

// As in Grafana: a click shows one series alone, another click all again; with Ctrl or Shift it is switched by itself.
function toggle(hidden, name, all, alone) {
  if (alone) {
    if (hidden.has(name)) hidden.delete(name); else hidden.add(name);
    return;
  }
  const others = all.filter((one) => one !== name);
  const isolated = others.length > 0 && !hidden.has(name) && others.every((one) => hidden.has(one));
  hidden.clear();
  if (!isolated) others.forEach((one) => hidden.add(one));
}

function follow(node, chart, { frame, lines }, zoom, utc) {
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  const hair = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  hair.setAttribute("class", "hair");
  hair.setAttribute("y", frame.top);
  hair.setAttribute("height", frame.height);
  node.append(tip);
  const times = [...new Set(lines.flatMap((one) => one.times))].sort((a, b) => a - b);
  const x = (time) => frame.left + (time - frame.from) / (frame.to - frame.from) * frame.width;
  let at = -1;
  let began = null;

  const timeAt = (event) => {
    const box = chart.getBoundingClientRect();
    const inside = (event.clientX - box.left) * (chart.viewBox.baseVal.width / box.width);
    const share = Math.min(1, Math.max(0, (inside - frame.left) / frame.width));
    return frame.from + share * (frame.to - frame.from);
  };
  const nearest = (time) => times.reduce((best, one, n) => (Math.abs(one - time) < Math.abs(times[best] - time) ? n : best), 0);
  const leave = () => { tip.hidden = true; hair.remove(); at = -1; began = null; };
  const band = (from, to) => {
    hair.setAttribute("x", Math.min(x(from), x(to)));
    hair.setAttribute("width", Math.max(1, Math.abs(x(to) - x(from))));
    chart.append(hair);
  };
  const tell = (index) => {
    at = Math.min(times.length - 1, Math.max(0, index));
    const rows = lines.map((one) => [one, one.values[one.times.indexOf(times[at])]]).filter(([, value]) => Number.isFinite(value))
      .sort((a, b) => b[1] - a[1]);
    tip.innerHTML = `<b>${moment(times[at], utc, "whole")}</b>${rows.slice(0, 16).map(([one, value]) =>
      `<span><i style="background:${one.color}"></i>${escaped(one.name)}</span><span>${escaped(format(value, one.field.unit, one.field.decimals))}</span>`).join("")}`
      + (rows.length > 16 ? `<span>${rows.length - 16} more</span>` : "");
    tip.hidden = false;
    const share = (times[at] - frame.from) / (frame.to - frame.from);
    tip.style.cssText = share > 0.5 ? `right:${(1 - share) * 90 + 6}%` : `left:${share * 90 + 8}%`;
  };
  if (!times.length) return;
  chart.addEventListener("pointermove", (event) => {
    if (began !== null) band(began, timeAt(event));
    else { tell(nearest(timeAt(event))); band(times[at], times[at]); }
  });
  chart.addEventListener("pointerleave", () => began === null && leave());
  chart.addEventListener("pointerdown", (event) => {
    if (!zoom || event.button) return;
    began = timeAt(event);
    tip.hidden = true;
    chart.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  chart.addEventListener("pointerup", (event) => {
    if (began === null) return;
    const [from, to] = [began, timeAt(event)].sort((a, b) => a - b);
    leave();
    if (to - from > (frame.to - frame.from) / 100) zoom(from, to);
  });
  chart.addEventListener("pointercancel", leave);
  chart.tabIndex = 0;
  chart.addEventListener("blur", leave);
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") leave();
    if (!step) return;
    tell(at < 0 ? (step > 0 ? 0 : times.length - 1) : at + step);
    band(times[at], times[at]);
    event.preventDefault();
    event.stopPropagation();
  });
}
