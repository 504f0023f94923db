// The map: two canvases, the second above the first and cut off at the divider while two layers are compared.

import * as maplibregl from "/static/vendor/maplibre-gl/maplibre-gl.mjs";
import * as api from "/static/api.js";
import { Canvas } from "/static/canvas.js";
import { byId, el, say } from "/static/dom.js";
import { dateOf, layerOf, onChange, state } from "/static/state.js";

const PAPER = { light: "#e8ecef", dark: "#0d1114" };

export const under = new Canvas("map", PAPER.light);
export const map = under.map;
let over = null;

/** The second canvas, which moves with the first; it is made when it is first needed. */
function second() {
  if (over) return over;
  over = new Canvas("over", PAPER[document.documentElement.dataset.theme]);
  over.map.jumpTo({ center: map.getCenter(), zoom: map.getZoom() });
  map.on("move", () => over.map.jumpTo({ center: map.getCenter(), zoom: map.getZoom() }));
  over.map.on("idle", settle);
  new ResizeObserver(() => over.map.resize()).observe(byId("over"));
  return over;
}

/** Says whether all that is wanted is seen. */
function settle() {
  const canvases = state.swipe.on ? [under, second()] : [under];
  document.body.classList.toggle("drawn", state.place !== null && canvases.every((one) => one.settled));
}

under.map.on("idle", settle);
map.on("error", ({ error }) => {
  if (!/aborted|AbortError/i.test(`${error?.name} ${error?.message}`)) say(error?.message ?? "the map has a problem");
});
map
  .getCanvas()
  .setAttribute("aria-label", "Map: arrows move, plus and minus zoom, Enter reads the values at the middle");
map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");

const scale = new maplibregl.ScaleControl({ maxWidth: 110 });
const outlines = new Map();

function pictureOf(layer, date) {
  const { opacity, ...style } = state.looks.get(layer.id);
  if (layer.kind === "polygons") {
    const data = outlines.get(layer.id);
    return data && { id: layer.id, data, opacity };
  }
  const tiles = api.tiles(layer.id, date, style);
  return {
    id: tiles,
    tiles,
    bounds: layer.bounds,
    maxzoom: layer.maxzoom,
    opacity,
    classes: ["labels", "categories"].includes(layer.kind),
  };
}

/** The pictures of one side of a comparison: the layer, and below a map the image that it lies on. */
function sideOf({ layer, date }) {
  const shown = layerOf(layer);
  const image = shown.kind === "imagery" ? null : state.place.layers.find((one) => one.kind === "imagery");
  return [image && pictureOf(image, dateOf(image)), pictureOf(shown, date)].filter(Boolean);
}

/** The box that a prediction is asked for. */
function boxPicture() {
  if (!state.box) return null;
  const [west, south, east, north] = state.box;
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  const data = {
    type: "Feature",
    properties: { color: "#1f8bff" },
    geometry: { type: "Polygon", coordinates: [ring] },
  };
  return { id: `box ${state.box}`, data, opacity: 1, hollow: true };
}

async function fetchOutlines(layer) {
  if (outlines.has(layer.id)) return;
  outlines.set(layer.id, null);
  try {
    const data = await api.polygons(layer.id);
    if (data.total > data.features.length)
      say(`${layer.title}: ${data.features.length} of ${data.total} polygons are shown`);
    const colors = new Map(state.place.layers.flatMap((one) => one.legend.map((entry) => [entry.name, entry.color])));
    for (const { properties } of data.features) properties.color = colors.get(properties.category ?? properties.to);
    outlines.set(layer.id, data);
    draw();
  } catch (error) {
    say(error.message);
  }
}

function draw() {
  if (!state.place) return;
  const { on, left, right, share } = state.swipe;
  const lines = state.place.layers.filter((layer) => layer.kind === "polygons" && state.looks.get(layer.id).visible);
  lines.forEach(fetchOutlines);
  byId("over").hidden = !on;
  byId("divider").hidden = !on;
  if (on) {
    const above = lines.map((layer) => pictureOf(layer)).filter(Boolean);
    under.show([...sideOf(left), ...above]);
    second().show([...sideOf(right), ...above]);
    byId("over").style.setProperty("--share", share);
    byId("divider").style.setProperty("--share", share);
    return;
  }
  const visible = state.place.layers.filter((layer) => state.looks.get(layer.id).visible);
  under.show([...visible.map((layer) => pictureOf(layer, dateOf(layer))), boxPicture()].filter(Boolean));
  over?.show([]);
}

onChange(() => {
  document.body.classList.remove("drawn");
  draw();
});

/** Moves the map so that boxes (west, south, east, north) are seen. */
export function fit(boxes, options = {}) {
  const known = boxes.filter(Boolean);
  if (!known.length) return;
  const box = [0, 1, 2, 3].map((side) => Math[side < 2 ? "min" : "max"](...known.map((one) => one[side])));
  map.fitBounds(box, { padding: 28, animate: false, maxZoom: 20, ...options });
}

export function fitPlace() {
  fit(state.place.layers.map((layer) => layer.bounds));
}

/** Shows a scale where the map is of the earth. */
export function measure(place) {
  if (map.hasControl(scale)) map.removeControl(scale);
  if (!place.flat) map.addControl(scale, "bottom-left");
}

export function paint(theme) {
  under.color(PAPER[theme]);
  over?.color(PAPER[theme]);
}

let marker = null;

/** Marks a point; null takes the mark away. */
export function mark(point) {
  marker?.remove();
  marker = point && new maplibregl.Marker({ element: el("div", { className: "mark" }) }).setLngLat(point).addTo(map);
}
