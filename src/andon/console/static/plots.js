// Draws the plots with uPlot, in the colours of the page. A figure's numbers come as JSON in `data-columns`, its own or
// those of the element that `data-from` names, which the live part renews.

"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const shown = (unit) => (_, value) => (value == null ? "–" : `${value.toLocaleString("en", { maximumFractionDigits: 2 })}${unit}`);
const line = (label, series, more = {}) => ({ label, stroke: colour(`--series-${series}`), width: 1.5, points: { show: false }, ...more });
const dots = { points: { show: true, size: 4 } };
const diagonal = { label: "ideal", stroke: colour("--pico-muted-color"), width: 1, dash: [4, 4], points: { show: false } };
const share = { range: [0, 1] };

const ARMS = ["--series-1", "--series-2", "--series-3", "--bad", "--pico-muted-color"];
const arm = (label, place, more = {}) => ({ ...line(label, 1, more), stroke: colour(ARMS[place % ARMS.length]) });

const KINDS = {
  rate: (c) => ({ time: true, data: [c.at, c.rate], series: [line("decisions", 1, { value: shown("/s"), fill: `${colour("--series-1")}22` })], y: { range: (_, low, high) => [0, high || 1] } }),
  latency: (c) => ({ time: true, data: [c.at, c.p50, c.p99], series: [line("p50", 1, { value: shown(" ms"), ...dots }), line("p99", 2, { value: shown(" ms"), ...dots })], y: { range: (_, low, high) => [0, high || 1] } }),
  roc: (c) => ({ data: [c.x, c.y, c.x], series: [line("true positives", 1), diagonal], x: share, y: share }),
  precision: (c) => ({ data: [c.x, c.y], series: [line("precision", 1)], x: share, y: share }),
  risk: (c) => ({ data: [c.share, c.error, c.bound, c.target], series: [line("error", 1, dots), line("at most", 2, dots), { ...diagonal, label: "target" }], x: { range: [0, 100] }, y: { range: (_, low, high) => [0, Math.min(high, 4 * c.target[0]) || 1] } }),
  estimate: (c) => ({ time: true, data: [c.at, c.error, c.low, c.high, c.truth], series: [line("estimated", 1, dots), line("low", 1, { dash: [3, 3], width: 1 }), line("high", 1, { dash: [3, 3], width: 1 }), line("by labels", 2, dots)], y: { range: (_, low, high) => [0, high || 1] } }),
  arms: (c) => {
    const count = c.names.length, all = c.names.map((_, place) => place + 1);
    const series = ["", ", low", ", high"].flatMap((what) => c.names.map((name, place) => arm(name + what, place, what ? { width: 0 } : dots)));
    const bands = all.map((one) => ({ series: [one + 2 * count, one + count], fill: `${colour(ARMS[(one - 1) % ARMS.length])}22` }));
    return { time: true, legend: false, data: [c.at, ...c.values, ...c.lows, ...c.highs], series, bands, y: { range: (_, low, high) => [Math.min(low, 0), high] } };
  },
  shares: (c) => ({ time: true, data: [c.at, ...c.shares], legend: false, series: c.names.map((name, place) => arm(name, place, { paths: uPlot.paths.stepped({ align: 1 }) })), y: { range: [0, 100] } }),
  reliability: (c) => ({ data: [c.x, c.y, c.x], series: [line("observed", 1, dots), diagonal], x: share, y: share }),
  histogram: (c) => ({ data: [c.x, c.y], series: [line("rows", 1, { paths: uPlot.paths.bars({ size: [0.9, 100], align: 1 }), fill: `${colour("--series-1")}66` })], x: share, y: { range: (_, low, high) => [0, high || 1] } }),
};

function axis(label) {
  return { label, labelSize: label ? 18 : 0, labelFont: "12px system-ui", font: "12px system-ui", size: 46, stroke: colour("--pico-muted-color"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--grid"), size: 4 } };
}

function columnsOf(figure) {
  const source = figure.dataset.from ? document.getElementById(figure.dataset.from) : figure;
  return JSON.parse(source.dataset.columns);
}

function draw(figure) {
  const box = figure.querySelector("div");
  const { data, series, bands = [], time = false, legend = time, x = {}, y = {} } = KINDS[figure.dataset.plot](columnsOf(figure));
  const bottom = { ...axis(figure.dataset.x), size: 30, ...(time && { values: "{HH}:{mm}" }) };
  const options = {
    width: box.clientWidth, height: box.clientHeight, series: [{ label: figure.dataset.x ?? "at", value: time ? "{HH}:{mm}:{ss}" : shown("") }, ...series],
    scales: { x: { time, ...x }, y }, axes: [bottom, axis(figure.dataset.y)], legend: { show: legend }, bands, cursor: { drag: { x: false, y: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
  };
  figure.plot?.destroy();
  figure.plot = new uPlot(options, data, box);
  fit(figure);
}

function fit(figure) {
  const box = figure.querySelector("div");
  const legend = box.querySelector(".u-legend")?.offsetHeight ?? 0;
  figure.plot.setSize({ width: box.clientWidth, height: box.clientHeight - legend });
}

const figures = () => document.querySelectorAll("figure[data-plot]");
const drawAll = () => figures().forEach(draw);

drawAll();
new ResizeObserver(() => figures().forEach((figure) => figure.plot && fit(figure))).observe(document.body);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.addEventListener("htmx:after:swap", () => {
  for (const figure of figures()) if (figure.dataset.from) figure.plot.setData(KINDS[figure.dataset.plot](columnsOf(figure)).data);
});
