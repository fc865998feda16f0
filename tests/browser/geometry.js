// Faults that somebody would see: what overlaps, leaves its place, or is not drawn.
(() => {
  const box = (node) => node.getBoundingClientRect();
  const cross = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const inside = (a, b) => a.left >= b.left - 1.5 && a.right <= b.right + 1.5 && a.top >= b.top - 1.5 && a.bottom <= b.bottom + 1.5;
  const faults = [];
  for (const plot of document.querySelectorAll('.plot')) {
    const card = plot.closest('section, .panel');
    const title = card.querySelector('h2, h3').textContent;
    const charts = [...plot.querySelectorAll('svg.chart')];
    const legend = plot.querySelector('.legend');
    for (const chart of charts) {
      if (!inside(box(chart), box(card))) faults.push(`${title}: the chart leaves its panel`);
      const ticks = [...chart.querySelectorAll('.tick')];
      for (const tick of ticks) if (!inside(box(tick), box(chart))) faults.push(`${title}: ${tick.textContent} leaves the chart`);
      for (const kind of ['x', 'y']) {
        const boxes = ticks.filter((one) => one.classList.contains(kind)).map(box);
        boxes.forEach((one, at) => boxes.slice(at + 1).forEach((other) => cross(one, other) && faults.push(`${title}: names of axis ${kind} overlap`)));
      }
      if (legend) for (const tick of ticks) if (cross(box(tick), box(legend))) faults.push(`${title}: the legend lies on ${tick.textContent}`);
      if (legend && cross(box(chart), box(legend))) faults.push(`${title}: the legend lies on the chart`);
      const frame = chart.querySelector('.axes');
      if (!frame || box(frame).width < 40) faults.push(`${title}: no axes`);
    }
    for (const picture of plot.querySelectorAll('.pie, .gauge svg')) if (!inside(box(picture), box(card))) faults.push(`${title}: a picture leaves its panel`);
    if (legend && !inside(box(legend), box(card))) faults.push(`${title}: the legend leaves its panel`);
    if (!plot.querySelector('svg, table, .stats, .words')) faults.push(`${title}: nothing is drawn: ${plot.textContent.slice(0, 80)}`);
  }
  return faults;
})()
