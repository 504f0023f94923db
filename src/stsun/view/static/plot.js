// Small plots of one pixel: its bands over time, or its spectrum where there is a single date.

import { el, svg } from "/static/dom.js";

const WIDTH = 320,
  HEIGHT = 130,
  LEFT = 40,
  RIGHT = 8,
  TOP = 8,
  BOTTOM = 20;
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#6a51a3"];
const MOST_LINES = 6;
const DAY_MS = 86_400_000;

const finite = (points) => points.filter(({ y }) => y !== null);
const short = (value) => (value === 0 ? "0" : Number(value.toPrecision(3)).toString());

/** The plot of an image's dates as `/api/pixel` tells them, with a table of the numbers. */
export function plotOf(image) {
  const dates = image.dates.filter((date) => date.inside);
  const figure = dates.length > 1 ? overTime(dates) : spectrum(dates[0]);
  return el("figure", {}, el("figcaption", {}, image.title), figure, tableOf(dates));
}

function overTime(dates) {
  const names = [...new Set(dates.flatMap((date) => date.bands.map((band) => band.name)))];
  const kept = names.length <= MOST_LINES ? names : telling(dates, names);
  const lines = kept.map((name, number) => ({
    name,
    color: COLORS[number],
    points: dates.map((date) => ({ x: date.when, y: date.bands.find((band) => band.name === name)?.value ?? null })),
  }));
  const days = dates[0].when > 1000;
  return drawn(
    lines,
    (x) =>
      days ? new Date(x * DAY_MS).toISOString().slice(0, 10) : (dates.find((date) => date.when === x)?.name ?? ""),
    [dates[0].when, dates.at(-1).when],
  );
}

/** Of many bands those nearest to blue, green, red, infrared and short-wave infrared. */
function telling(dates, names) {
  const waves = new Map(dates.flatMap((date) => date.bands.map((band) => [band.name, band.wavelength_nm])));
  const nearest = [490, 560, 665, 842, 1610, 2190].map(
    (nm) =>
      names
        .filter((name) => waves.get(name))
        .sort((a, b) => Math.abs(waves.get(a) - nm) - Math.abs(waves.get(b) - nm))[0],
  );
  return [...new Set(nearest.filter(Boolean))]
    .concat(names)
    .slice(0, Math.max(new Set(nearest.filter(Boolean)).size, 1));
}

function spectrum(date) {
  const optical = date.bands
    .filter((band) => band.wavelength_nm !== null)
    .sort((a, b) => a.wavelength_nm - b.wavelength_nm);
  if (optical.length < 2)
    return el(
      "p",
      { className: "faint" },
      date.bands.map((band) => `${band.name} ${band.value === null ? "no data" : short(band.value)}`).join(", "),
    );
  const line = {
    name: "value by wavelength",
    color: COLORS[0],
    points: optical.map((band) => ({ x: band.wavelength_nm, y: band.value })),
  };
  return drawn([line], (x) => `${Math.round(x)} nm`, [optical[0].wavelength_nm, optical.at(-1).wavelength_nm]);
}

function drawn(lines, nameX, [first, last]) {
  const values = lines.flatMap((line) => finite(line.points).map(({ y }) => y));
  if (!values.length) return el("p", { className: "faint" }, "no data here");
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && low < 0.5 * high) low = 0;
  if (low === high) [low, high] = [low - Math.abs(low) / 2 - 0.01, high + Math.abs(high) / 2 + 0.01];
  const x = (at) => LEFT + ((at - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const axes = [low, (low + high) / 2, high].flatMap((value) => [
    svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "rule" }),
    svg("text", { x: LEFT - 5, y: y(value) + 3.5, "text-anchor": "end" }, short(value)),
  ]);
  const ends = [
    [first, "start"],
    [last, "end"],
  ].map(([at, anchor]) => svg("text", { x: x(at), y: HEIGHT - 5, "text-anchor": anchor }, nameX(at)));
  const drawings = lines.map((line) => curve(line, x, y, nameX));
  const words = `${lines.map((line) => line.name).join(", ")} from ${nameX(first)} to ${nameX(last)}, between ${short(Math.min(...values))} and ${short(Math.max(...values))}`;
  return el(
    "div",
    {},
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot", role: "img", "aria-label": words },
      axes,
      ends,
      drawings,
    ),
    lines.length > 1 &&
      el(
        "ul",
        { className: "key" },
        lines.map((line) => el("li", {}, el("span", { className: "swatch", color: line.color }), line.name)),
      ),
  );
}

function curve(line, x, y, nameX) {
  const known = finite(line.points);
  const path = known
    .map((point, number) => `${number ? "L" : "M"}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`)
    .join("");
  const dots =
    known.length > 40
      ? []
      : known.map((point) =>
          svg(
            "circle",
            { cx: x(point.x), cy: y(point.y), r: 2.4, fill: line.color },
            svg("title", {}, `${line.name}, ${nameX(point.x)}: ${short(point.y)}`),
          ),
        );
  return svg("g", {}, svg("path", { d: path, fill: "none", stroke: line.color, "stroke-width": 1.6 }), dots);
}

function tableOf(dates) {
  const names = [...new Set(dates.flatMap((date) => date.bands.map((band) => band.name)))];
  const cell = (date, name) => {
    const value = date.bands.find((band) => band.name === name)?.value;
    return el("td", {}, value === undefined ? "" : value === null ? "no data" : short(value));
  };
  return el(
    "details",
    { className: "faint" },
    el("summary", {}, "Numbers"),
    el(
      "div",
      { className: "wide" },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "col" }, "band"),
            dates.map((date) => el("th", { scope: "col" }, date.name)),
          ),
        ),
        el(
          "tbody",
          {},
          names.map((name) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, name),
              dates.map((date) => cell(date, name)),
            ),
          ),
        ),
      ),
    ),
  );
}
