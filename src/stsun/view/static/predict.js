// Starting a prediction: images, box, task and categories; then its progress, and the way to stop it.

import * as api from "/static/api.js";
import { drawBox, seenBox } from "/static/box.js";
import { byId, el, say } from "/static/dom.js";
import { changed, dateOf, enter, layerOf, onChange, state } from "/static/state.js";

const TASKS = {
  segmentation: "Segmentation: what is where",
  binary_change: "Change: where something changed",
  semantic_change: "Change: what became what",
};
const ACTIVE = ["waiting", "running"];
const ASK_AGAIN_MS = 400;

const images = el("select", { "aria-label": "Images", onchange: () => listDates() });
const dates = el("ul", { className: "choices", role: "group", "aria-label": "Dates" });
const where = el("p", { className: "faint", id: "where" });
const task = el(
  "select",
  { "aria-label": "Task", onchange: () => listCategories() },
  Object.entries(TASKS).map(([value, text]) => el("option", { value }, text)),
);
const filter = el("input", {
  type: "search",
  placeholder: "find a category",
  "aria-label": "Find a category",
  oninput: () => narrow(),
});
const categories = el("ul", { className: "choices", role: "group", "aria-label": "Categories" });
const sensor = el("select", { "aria-label": "Sensor that took the images" });
const each = el("input", { type: "checkbox" });
const perDate = el("label", { className: "check" }, each, "one map for each date");
const button = el("button", { type: "submit", className: "strong" }, "Predict");
const form = el(
  "form",
  {
    hidden: true,
    onsubmit: (event) => {
      event.preventDefault();
      start();
    },
  },
  images,
  dates,
  sensor,
  el(
    "div",
    { className: "buttons" },
    el("button", { type: "button", onclick: async () => setBox((await drawBox()) ?? state.box) }, "Draw a box"),
    el("button", { type: "button", onclick: () => setBox(seenBox()) }, "What is seen"),
    el("button", { type: "button", onclick: () => setBox(null) }, "All"),
  ),
  where,
  task,
  perDate,
  filter,
  categories,
  button,
);
const open = el("button", { type: "button", onclick: () => prepare() }, "New prediction");
const list = el("ul", { id: "jobs" });
byId("predict").append(open, form, list);

let knows = null;

async function prepare() {
  open.disabled = true;
  open.textContent = "Loading the model …";
  try {
    knows ??= await api.model();
    sensor.replaceChildren(
      el("option", { value: "" }, "sensor: as the files say"),
      ...Object.entries(knows.sensors).map(([value, title]) => el("option", { value }, title)),
    );
    listImages();
    listCategories();
    form.hidden = false;
    open.hidden = true;
    images.focus();
  } catch (error) {
    say(error.message);
  }
  open.disabled = false;
  open.textContent = "New prediction";
}

let shown = null;
onChange(({ place, box }) => {
  if (!place) return;
  byId("predict").hidden = !place.layers.some((layer) => layer.kind === "imagery");
  const key = place.layers.map((layer) => layer.id).join();
  if (key !== shown && knows) listImages();
  shown = key;
  where.textContent = box ? "the box on the map" : "all of the images";
});

function listImages() {
  const before = images.value;
  const layers = state.place.layers.filter((layer) => layer.kind === "imagery");
  images.replaceChildren(...layers.map((layer) => el("option", { value: layer.id }, layer.title)));
  if (layers.some((layer) => layer.id === before)) images.value = before;
  images.hidden = layers.length < 2;
  if (layers.length) listDates();
}

function listDates() {
  const layer = layerOf(images.value);
  const few = layer.dates.length <= 12;
  dates.replaceChildren(
    ...layer.dates.map((date, number) => choice(date.name, number, few || number === dateOf(layer))),
  );
  dates.hidden = layer.dates.length < 2;
  sensor.hidden = layer.unknown === null;
}

function listCategories() {
  categories.replaceChildren(...knows.tasks[task.value].map((name) => choice(name, name, true)));
  perDate.hidden = task.value !== "segmentation" || dates.childElementCount < 2;
  filter.hidden = categories.childElementCount < 12;
  filter.value = "";
}

function choice(text, value, checked) {
  return el("li", {}, el("label", { className: "check" }, el("input", { type: "checkbox", value, checked }), text));
}

function narrow() {
  for (const item of categories.children)
    item.hidden = !item.textContent.toLowerCase().includes(filter.value.toLowerCase());
}

const picked = (group) => [...group.querySelectorAll("input:checked")].map((box) => box.value);

function setBox(box) {
  state.box = box;
  changed();
}

async function start() {
  button.disabled = true;
  try {
    const wanted = picked(categories);
    if (!wanted.length && categories.childElementCount) throw new Error("Choose at least one category.");
    await api.start({
      layer: images.value,
      dates: picked(dates).map(Number),
      box: state.box,
      task: task.value,
      categories: wanted.length === categories.childElementCount && task.value === "binary_change" ? [] : wanted,
      per_date: !perDate.hidden && each.checked,
      sensor: sensor.hidden || !sensor.value ? null : sensor.value,
    });
    watch();
  } catch (error) {
    say(error.message);
  }
  button.disabled = false;
}

let watching = false;
const seen = new Set();

/** Follows the predictions until none is at work. */
export async function watch() {
  if (watching) return;
  watching = true;
  try {
    for (;;) {
      const jobs = await api.jobs();
      list.replaceChildren(...jobs.slice(-5).reverse().map(lineOf));
      for (const job of jobs) if (!ACTIVE.includes(job.state) && !seen.has(job.id)) await end(job);
      if (!jobs.some((job) => ACTIVE.includes(job.state))) break;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  } catch (error) {
    say(error.message);
  }
  watching = false;
}

async function end(job) {
  seen.add(job.id);
  if (job.state === "done" && job.layers.some((id) => id.startsWith(`${state.place?.id}.`))) {
    enter(await api.place(state.place.id));
  }
}

function lineOf(job) {
  const active = ACTIVE.includes(job.state);
  const words = job.state === "running" && job.total ? `${job.done} of ${job.total} tiles` : job.state;
  return el(
    "li",
    { "data-state": job.state },
    el("span", {}, `${job.task.replace("_", " ")}: ${words}`),
    active &&
      el(
        "button",
        {
          type: "button",
          className: "quiet text",
          onclick: () => api.cancel(job.id).catch((error) => say(error.message)),
        },
        "Cancel",
      ),
    active &&
      el("progress", { max: job.total || 1, value: job.total ? job.done : undefined, "aria-label": "Progress" }),
    job.message && el("p", { className: "faint" }, job.message),
  );
}
