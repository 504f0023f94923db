// The list of layers: which are seen, how strong, in which colours, and what these mean.

import * as api from "/static/api.js";
import { byId, el, iconButton } from "/static/dom.js";
import { fit } from "/static/map.js";
import { dateOf, look, onChange, state } from "/static/state.js";

const KINDS = {
  imagery: "image",
  categories: "map",
  labels: "labels",
  probability: "probability",
  polygons: "polygons",
};
/** Of longer legends only what occurs is listed. */
const LONG = 12;
const rows = new Map(); // layer id -> what is updated
const hectares = new Map(); // "layer date" -> promise of areas
let shown = null;

onChange(({ place }) => {
  if (!place) return;
  const key = place.layers.map((layer) => layer.id).join();
  if (key !== shown) build(place);
  shown = key;
  for (const layer of place.layers) rows.get(layer.id)();
});

function build(place) {
  rows.clear();
  byId("layers").replaceChildren(...[...place.layers].reverse().map(rowOf));
  byId("notes").replaceChildren(...place.notes.map((note) => el("li", {}, note)));
}

function rowOf(layer) {
  const date = el("span", { className: "faint date" });
  const visible = el("input", {
    type: "checkbox",
    id: `see-${layer.id}`,
    onchange: () => look(layer.id, { visible: visible.checked }),
  });
  const opacity = el("input", {
    type: "range",
    min: 0,
    max: 100,
    "aria-label": `Opacity of ${layer.title}`,
    title: "Opacity",
    oninput: () => look(layer.id, { opacity: opacity.value / 100 }),
  });
  const more = el("div", { className: "more" }, choiceOf(layer), contrastOf(layer), legendOf(layer), notesOf(layer));
  const row = el(
    "article",
    { className: "layer", "aria-label": layer.title },
    el(
      "div",
      { className: "line" },
      visible,
      el("label", { htmlFor: visible.id, title: layer.title }, layer.title),
      el("span", { className: "kind" }, KINDS[layer.kind]),
      layer.bounds && iconButton("fit", `Fit the map to ${layer.title}`, () => fit([layer.bounds])),
    ),
    el("div", { className: "line second" }, date, opacity),
    more,
  );
  rows.set(layer.id, () => {
    const now = state.looks.get(layer.id);
    visible.checked = now.visible;
    opacity.value = Math.round(100 * now.opacity);
    date.textContent = date.title = layer.dates[dateOf(layer)]?.name ?? "";
    row.classList.toggle("off", !now.visible);
    more.hidden = !now.visible;
    for (const part of more.children) part.update?.(now);
  });
  return row;
}

function choiceOf(layer) {
  if (layer.looks.length < 2) return null;
  const named = layer.kind === "imagery" ? "Bands" : "Category";
  const options = layer.looks.map(({ key, title }) => el("option", { value: key }, title));
  const select = el(
    "select",
    { "aria-label": `${named} of ${layer.title}`, onchange: () => look(layer.id, { look: select.value }) },
    options,
  );
  select.update = (now) => {
    select.value = now.look;
  };
  return select;
}

function contrastOf(layer) {
  if (layer.kind !== "imagery" || layer.dates.length < 2) return null;
  const each = el("input", { type: "checkbox", onchange: () => look(layer.id, { each: each.checked }) });
  const label = el("label", { className: "check faint" }, each, "contrast of each date for itself");
  label.update = (now) => {
    each.checked = now.each;
  };
  return label;
}

function legendOf(layer) {
  if (layer.kind === "probability") return rampOf();
  if (!layer.legend.length) return null;
  const list = el("ul", { className: "legend" });
  let lines = [];
  let listed = null;
  const fill = (entries) => {
    lines = entries.map((entry) => lineOf(layer, entry));
    list.replaceChildren(...lines.map(({ button }) => el("li", {}, button)));
  };
  if (layer.legend.length <= LONG) fill(layer.legend);
  list.update = async (now) => {
    press(lines, now);
    const areas = now.visible && (await areasOf(layer));
    if (!areas) return;
    if (layer.legend.length > LONG && listed !== areas) {
      fill(layer.legend.filter((entry) => areas.get(entry.value).pixels > 0));
      listed = areas;
    }
    press(lines, state.looks.get(layer.id) ?? now);
    for (const { entry, area } of lines) area.textContent = areaText(areas.get(entry.value));
  };
  return list;
}

function lineOf(layer, entry) {
  const area = el("span", { className: "area" });
  const button = el(
    "button",
    { type: "button", className: "entry", onclick: () => toggle(layer, entry.value) },
    el("span", { className: "swatch", color: entry.color }),
    el("span", { className: "name" }, entry.name),
    area,
  );
  return { entry, button, area };
}

function press(lines, { hidden }) {
  for (const { entry, button } of lines) button.setAttribute("aria-pressed", String(!hidden.has(entry.value)));
}

function rampOf() {
  return el(
    "div",
    { className: "ramp", role: "img", "aria-label": "Colours from probability 0 to 1" },
    el("span", {}, "0"),
    el("span", {}, "1"),
  );
}

function notesOf(layer) {
  const notes = [...layer.notes, ...(layer.unknown ? [layer.unknown] : [])];
  if (!notes.length) return null;
  return el(
    "details",
    { className: "faint" },
    el("summary", {}, "What was assumed"),
    el(
      "ul",
      {},
      notes.map((note) => el("li", {}, note)),
    ),
  );
}

function toggle(layer, value) {
  const hidden = new Set(state.looks.get(layer.id).hidden);
  if (!hidden.delete(value)) hidden.add(value);
  look(layer.id, { hidden });
}

/** The areas of a map's categories at the date that is seen, by value; null if it is another date by the time. */
async function areasOf(layer) {
  const date = dateOf(layer);
  const key = `${layer.id} ${date}`;
  if (!hectares.has(key))
    hectares.set(
      key,
      api.areas(layer.id, date).then(
        (areas) => new Map(areas.map((one) => [one.value, one])),
        () => null,
      ),
    );
  const areas = await hectares.get(key);
  return dateOf(layer) === date ? areas : null;
}

function areaText({ pixels, hectares: size }) {
  if (size === null) return `${pixels.toLocaleString("en")} px`;
  const digits = size >= 100 ? 0 : size >= 1 ? 1 : 2;
  return `${size.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ha`;
}
