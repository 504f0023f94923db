// What is known of a point: plots of its values, what maps say of it, how sure they are, what it became.

import * as api from "/static/api.js";
import { byId, el, iconButton, say } from "/static/dom.js";
import { map, mark, under } from "/static/map.js";
import { plotOf } from "/static/plot.js";
import { dateOf, layerOf, state } from "/static/state.js";

const card = byId("pixel");
const MOST_BARS = 6;
const CLEAR = 20; // pixels between a point and the card that has made room for it
let asked = 0;

/** Reads and shows the values at a point. */
export async function inspect(point, touched = []) {
  const now = ++asked;
  mark(point);
  try {
    const known = await api.pixel(state.place.id, point);
    if (now === asked) show(known, point, touched);
  } catch (error) {
    if (now === asked) say(error.message);
  }
}

export function close() {
  asked += 1;
  card.hidden = true;
  mark(null);
}

function show(known, point, touched) {
  const where = state.place.flat || !known.pixel ? "" : `${point.lat.toFixed(5)}, ${point.lng.toFixed(5)}`;
  const spot = known.pixel ? `row ${known.pixel.row}, column ${known.pixel.column}` : "outside of all images";
  card.replaceChildren(
    el(
      "header",
      {},
      el("h2", {}, spot),
      el("span", { className: "faint" }, where),
      el("span", { className: "push" }),
      iconButton("close", "Close the values", close),
    ),
    el(
      "div",
      { className: "facts" },
      known.maps.map(mapOf),
      touched.map(outlineOf),
      known.images.map(plotOf),
      known.probabilities.map(sharesOf),
    ),
  );
  card.hidden = false;
  uncover(point);
}

/** Moves the map if the card lies over the point that it tells of. */
function uncover(point) {
  const [over, frame, at] = [card.getBoundingClientRect(), map.getContainer().getBoundingClientRect(), map.project(point)];
  const [x, y] = [frame.left + at.x, frame.top + at.y];
  if (x > over.left && x < over.right && y > over.top && y < over.bottom) map.panBy([0, y - over.top + CLEAR]);
}

function mapOf({ title, dates, changes }) {
  return el(
    "section",
    { className: "said" },
    el("h3", {}, title),
    el(
      "ul",
      { className: "key" },
      dates.map(({ name, category, color }) =>
        el(
          "li",
          {},
          el("span", { className: "swatch", color: color ?? "transparent" }),
          `${name}: ${category ?? "no data"}`,
        ),
      ),
    ),
    changes.map((change) =>
      el(
        "p",
        { className: "change" },
        `${change.from} → ${change.to}`,
        el("span", { className: "faint" }, ` ${change.start} to ${change.end}`),
      ),
    ),
  );
}

/** The probabilities at the date that is seen, the largest first. */
function sharesOf({ layer, title, dates }) {
  const date = dates[dateOf(layerOf(layer))];
  const bands = [...date.bands].sort((a, b) => (b.value ?? -1) - (a.value ?? -1)).slice(0, MOST_BARS);
  return el(
    "section",
    { className: "said" },
    el("h3", {}, title, el("span", { className: "faint" }, ` ${date.name}`)),
    el(
      "ul",
      { className: "bars" },
      bands.map(({ name, value }) =>
        el(
          "li",
          {},
          el("span", {}, name),
          el("meter", { min: 0, max: 1, value: value ?? 0, "aria-label": name }),
          el("span", { className: "number" }, value === null ? "–" : `${(100 * value).toFixed(0)} %`),
        ),
      ),
    ),
  );
}

function outlineOf(properties) {
  const facts = Object.entries(properties).filter(([name]) => name !== "color");
  return el(
    "section",
    { className: "said" },
    el("h3", {}, "polygon"),
    el(
      "dl",
      {},
      facts.map(([name, value]) =>
        el(
          "div",
          {},
          el("dt", {}, name),
          el("dd", {}, typeof value === "number" ? Number(value.toPrecision(6)).toLocaleString("en") : String(value)),
        ),
      ),
    ),
  );
}

/** The polygons that are drawn at a point of the screen. */
function touching(point) {
  const layers = under.shown.filter((picture) => picture.data && !picture.hollow).map((picture) => picture.id);
  return layers.length
    ? map
        .queryRenderedFeatures(point, { layers })
        .slice(0, 3)
        .map((feature) => feature.properties)
    : [];
}

map.on("click", (event) => inspect(event.lngLat, touching(event.point)));
map.getCanvas().addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  const centre = map.getCenter();
  inspect(centre, touching(map.project(centre)));
});
