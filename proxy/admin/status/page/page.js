// Keeps the page alive. The server renders every table; here its fresh rows take the place of the old
// ones, so that what is shown is made, and escaped, in one place. Charts are drawn from status.json.
"use strict";

const pause = 2000; // the server takes a sample as often
const page = location.pathname;
let lastAnswer = Date.now();

// --- tables -----------------------------------------------------------------------------------------

// Somebody is about to copy something of what would be replaced.
function isBeingCopied() {
  const selection = getSelection();
  return Boolean(String(selection) && selection.anchorNode?.parentElement?.closest("[data-live]"));
}

function swap(fresh) {
  if (isBeingCopied()) return say("warn", "paused while text is selected");
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(old.id);
    if (now && now.innerHTML !== old.innerHTML) old.replaceChildren(...now.childNodes);
  }
  filterRows();
}

const filter = document.getElementById("filter");

function filterRows() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.getElementById("connection-rows").rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word));
  }
}

// --- charts -----------------------------------------------------------------------------------------

const decimals = value => value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);

function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${decimals(value)} ${units[unit]}`;
}

// Counts since the start, as rates between two samples.
function rates(times, counts) {
  return counts.map((count, i) =>
    i === 0 ? null : Math.max(0, count - counts[i - 1]) / Math.max(1, times[i] - times[i - 1]));
}

const charts = {
  connections: {
    format: decimals,
    series: [
      { name: "TLS 1.3", colour: 1, fill: true, of: h => h.tls_1_3 },
      { name: "TLS 1.2", colour: 2, of: h => h.tls_1_2 },
      { name: "older", colour: 3, optional: true, of: h => h.other_tls },
      { name: "no TLS", colour: 4, of: h => h.in_the_clear },
    ],
  },
  handshakes: {
    format: decimals,
    series: [
      { name: "done", colour: 1, fill: true, of: h => rates(h.time, h.handshakes) },
      { name: "failed", colour: 3, of: h => rates(h.time, h.handshake_failures) },
    ],
  },
  bytes: {
    format: bytes,
    series: [
      { name: "servers", colour: 1, fill: true, of: h => rates(h.time, h.bytes_from_server) },
      { name: "clients", colour: 2, of: h => rates(h.time, h.bytes_from_client) },
    ],
  },
};

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function build(chart, place) {
  const series = chart.series.map(({ name, colour: number, fill }) => ({
    label: name, width: 1.5, stroke: () => colour(`--c${number}`), points: { show: false },
    fill: fill ? () => colour(`--c${number}`) + "1f" : undefined,
  }));
  const axis = {
    stroke: () => colour("--soft"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  return new uPlot({
    width: place.clientWidth, height: 170, series: [{}, ...series], legend: { show: false },
    padding: [6, 30, 0, 0],
    cursor: { y: false, points: { size: 5 }, sync: { key: "time" }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 80, size: 28, values: (_, splits) => splits.map(time => clock(time)) },
      { ...axis, size: 54, values: (_, splits) => splits.map(chart.format) },
    ],
    hooks: { setCursor: [plot => tell(chart, plot)], setData: [plot => tell(chart, plot)] },
  }, [[], ...series.map(() => [])], place);
}

function clock(time) {
  const two = number => String(number).padStart(2, "0");
  const date = new Date(time * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}` + (date.getSeconds() ? `:${two(date.getSeconds())}` : "");
}

// The legend says the values under the cursor, or the last ones.
function tell(chart, plot) {
  if (!chart.legend) return;
  const at = plot.cursor.idx ?? plot.data[0].length - 1;
  chart.legend.replaceChildren(...chart.series.flatMap((line, i) => {
    const values = plot.data[i + 1];
    if (line.optional && !values.some(Boolean)) return [];
    const entry = document.createElement("span");
    const key = document.createElement("i");
    key.className = `k${line.colour}`;
    const value = document.createElement("b");
    value.textContent = values[at] == null ? "–" : chart.format(values[at]);
    entry.append(key, line.name, value);
    return [entry];
  }));
  plot.root.parentElement.setAttribute("aria-label", chart.legend.innerText);
}

function draw(history) {
  for (const [name, chart] of Object.entries(charts)) {
    const place = document.querySelector(`[data-chart="${name}"]`);
    if (!chart.plot) {
      document.getElementById("charts").hidden = false;
      chart.plot = build(chart, place);
      chart.legend = place.parentElement.querySelector(".legend");
    }
    // What is not in the legend is not drawn either.
    const lines = chart.series.map(line => {
      const values = line.of(history);
      return line.optional && !values.some(Boolean) ? values.map(() => null) : values;
    });
    chart.plot.setData([history.time, ...lines]);
  }
}

function fitCharts() {
  for (const [name, { plot }] of Object.entries(charts))
    if (plot) plot.setSize({ width: document.querySelector(`[data-chart="${name}"]`).clientWidth, height: 170 });
}

// --- the loop ---------------------------------------------------------------------------------------

// A server that is gone behind a firewall answers nothing at all, for minutes.
const ask = url => fetch(url, { signal: AbortSignal.timeout(8000), cache: "no-store" });

async function refresh() {
  const answers = await Promise.all([ask(page), ask("status.json")]);
  lastAnswer = Date.now();
  const refusal = answers.find(answer => !answer.ok);
  if (refusal) return say("bad", `the server answers ${refusal.status}`);
  const [tables, status] = answers;
  const text = await tables.text();
  if (window.uPlot) draw((await status.json()).history);
  swap(new DOMParser().parseFromString(text, "text/html"));
}

function say(kind, words) {
  const badge = document.createElement("span");
  badge.className = `badge ${kind}`;
  badge.textContent = words;
  document.getElementById("state").replaceChildren(badge);
}

const complain = () => say("bad", `no answer for ${Math.round((Date.now() - lastAnswer) / 1000)} s`);

async function live() {
  if (!document.hidden) await refresh().catch(complain);
  setTimeout(live, pause);
}

filter.parentElement.hidden = false;
filter.addEventListener("input", filterRows);
addEventListener("resize", fitCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const { plot } of Object.values(charts)) plot?.redraw();
});
live();
