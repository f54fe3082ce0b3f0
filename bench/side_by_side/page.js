"use strict";
// Draws what data says: a button for each peer, bars for each case, and the plots.
const data = JSON.parse(document.getElementById("data").textContent);
const COLOURS = ["#4e9bd9", "#8d6fd1", "#2fa58a", "#c98a1b", "#d0679d", "#7a9a3a", "#5a6fd6", "#a0705a"];
const hidden = new Set();
const drawn = [];

const styles = {};
let next = 0;
for (const peer of data.peers) {
  const ours = peer.role === "wilco" || peer.role === "variant";
  styles[peer.name] = {
    colour: ours ? "#e8543f" : peer.role === "limit" ? "#8b95a1" : COLOURS[next++ % COLOURS.length],
    width: peer.role === "wilco" ? 3 : 1.75,
    dash: peer.role === "variant" || peer.name.includes("MQTT") ? [6, 4] : [],
  };
}

function element(name, parent, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function digits(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(+value.toPrecision(3));
}

const SCALES = {
  "/s": [[1e6, " M/s"], [1e3, " k/s"], [1, " /s"]],
  us: [[1e6, " s"], [1e3, " ms"], [1, " µs"]],
  B: [[1e9, " GB"], [1e6, " MB"], [1e3, " kB"], [1, " B"]],
  "": [[1e6, " M"], [1e3, " k"], [1, ""]],
};

function shown(value, unit) {
  if (value === null || value === undefined) return "";
  const scales = SCALES[unit] || [[1, unit]];
  const [scale, name] = scales.find(([least]) => Math.abs(value) >= least) || scales[scales.length - 1];
  return digits(value / scale) + name;
}

// On the x axis of percentiles stands how rare the slower ones are: 99 % is one in 100.
const rarity = (percent) => 100 / (100 - percent);
const percentOf = (rare) => `${+(100 - 100 / rare).toFixed(3)} %`;

function bars(card, group) {
  const most = Math.max(...group.values.map((row) => row.value));
  element("h3", card, group.title);
  element("p", card, `${group.label}: ${group.more_is_better ? "more" : "less"} is better`).className = "how";
  for (const row of group.values) {
    const line = element("div", card);
    line.className = "bar";
    line.dataset.peer = row.peer;
    element("span", line, row.peer);
    const bar = element("b", line);
    bar.style.width = `${(100 * row.value) / most}%`;
    bar.style.background = styles[row.peer].colour;
    if (styles[row.peer].dash.length) bar.style.opacity = 0.6;
    element("span", line, shown(row.value, group.unit));
  }
}

function ticks(values, unit, scale) {
  return values.map((value) => {
    if (value === null) return "";
    return scale === "percentile" ? percentOf(value) : shown(value, unit);
  });
}

// Powers of ten alone say too little where all lines lie within two decades: then 2 and 5 are named too.
function splits(plot, _axis, least, most) {
  const steps = Math.log10(most / least) > 2.5 ? [1] : [1, 2, 5];
  const found = [];
  for (let decade = Math.floor(Math.log10(least)); decade <= Math.log10(most); decade++) {
    for (const step of steps) {
      const value = step * 10 ** decade;
      if (value >= least * 0.999 && value <= most * 1.001) found.push(value);
    }
  }
  return found;
}

function axis(what, xs) {
  const made = {
    label: what.label + (what.scale === "percentile" ? " (slower ones are rarer to the right)" : ""),
    stroke: css("--quiet"), labelFont: "13px system-ui", font: "12px system-ui", labelSize: 22,
    grid: { stroke: css("--grid"), width: 1 }, ticks: { stroke: css("--grid"), width: 1 },
    values: (_plot, values) => ticks(values, what.unit, what.scale),
  };
  if (what.scale === "log10" || what.scale === "percentile") Object.assign(made, { splits, filter: (_u, all) => all });
  if (what.scale === "log2") Object.assign(made, { splits: () => xs, filter: (_u, all) => all });
  return made;
}

function range(what, values) {
  const known = values.filter((value) => value !== null && value > 0);
  const least = Math.min(...known);
  const most = Math.max(...known);
  if (what.scale === "linear") return [0, most * 1.1];
  return what.y ? [least / 1.25, most * 1.25] : [least, most];
}

function scaleOf(what, values) {
  const made = { range: (_plot, from, to) => (from === null ? [1, 10] : [from, to]) };
  if (what.scale !== "linear") Object.assign(made, { distr: 3, log: what.scale === "log2" ? 2 : 10 });
  [made.min, made.max] = range(what, values);
  return made;
}

function draw(box, plot) {
  const xs = plot.x.scale === "percentile" ? plot.xs.map(rarity) : plot.xs;
  const all = plot.series.flatMap((line) => line.ys);
  const xLabel = (value) => (value === null ? "" : ticks([value], plot.x.unit, plot.x.scale)[0]);
  const options = {
    width: box.clientWidth, height: 320, cursor: { drag: { x: true, y: false } }, legend: { live: true },
    scales: { x: { time: false, ...scaleOf(plot.x, xs) }, y: scaleOf({ ...plot.y, y: true }, all) },
    axes: [axis(plot.x, xs), { ...axis(plot.y, xs), size: 68 }],
    series: [
      { label: plot.x.label, value: (_plot, value) => xLabel(value) },
      ...plot.series.map((line) => ({
        label: line.peer, stroke: styles[line.peer].colour, width: styles[line.peer].width,
        dash: styles[line.peer].dash, show: !hidden.has(line.peer), spanGaps: true,
        points: { show: plot.x.scale !== "percentile", size: 5 },
        value: (_plot, value) => shown(value, plot.y.unit),
      })),
    ],
  };
  return new uPlot(options, [xs, ...plot.series.map((line) => line.ys)], box);
}

function drawAll() {
  for (const item of drawn) {
    if (item.chart) item.chart.destroy();
    item.chart = draw(item.box, item.plot);
  }
}

function toggle(name, button) {
  if (!hidden.delete(name)) hidden.add(name);
  button.setAttribute("aria-pressed", String(!hidden.has(name)));
  for (const line of document.querySelectorAll(".bar")) line.hidden = hidden.has(line.dataset.peer);
  for (const { chart, plot } of drawn) {
    plot.series.forEach((line, i) => line.peer === name && chart.setSeries(i + 1, { show: !hidden.has(name) }));
  }
}

for (const peer of data.peers) {
  const button = element("button", document.getElementById("names"));
  button.setAttribute("aria-pressed", "true");
  const dot = element("i", button);
  dot.style.background = styles[peer.name].colour;
  if (styles[peer.name].dash.length) dot.style.opacity = 0.6;
  button.append(peer.name);
  button.addEventListener("click", () => toggle(peer.name, button));
}
for (const group of data.bars) {
  const card = element("div", document.getElementById("bars"));
  card.className = "card bars";
  bars(card, group);
}
for (const plot of data.plots) {
  const card = element("div", document.getElementById("plots"));
  card.className = "card";
  element("h3", card, plot.title);
  const box = element("div", card);
  element("p", card, plot.how).className = "how";
  drawn.push({ box, plot });
}
drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let waiting = 0;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(drawAll, 150);
});
