// What the page asks its server. Nothing else is ever asked.

async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { "x-stsun": "page", ...options.headers } });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(wordsOf(content) ?? `the server answers ${answer.status}`);
  return content;
}

function wordsOf(content) {
  if (typeof content.error === "string") return content.error;
  if (typeof content.detail === "string") return content.detail;
  return Array.isArray(content.detail)
    ? content.detail.map((one) => `${one.loc?.at(-1)}: ${one.msg}`).join("; ")
    : null;
}

const part = encodeURIComponent;

export const places = (find = "", first = 0) => ask(`/api/places?${new URLSearchParams({ find, first })}`);
export const place = (id) => ask(`/api/places/${part(id)}`);
export const areas = (layer, date) => ask(`/api/areas/${part(layer)}/${date}`);
export const polygons = (layer) => ask(`/api/polygons/${part(layer)}`);
export const model = () => ask("/api/model");
export const jobs = () => ask("/api/jobs");
export const cancel = (id) => ask(`/api/jobs/${part(id)}`, { method: "DELETE" });

export function pixel(id, { lng, lat }) {
  return ask(`/api/pixel/${part(id)}?${new URLSearchParams({ longitude: lng, latitude: lat })}`);
}

export function start(request) {
  return ask("/api/jobs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
}

/** The address of a layer's tiles, as the map fills it in. */
export function tiles(layer, date, { look, each, hidden }) {
  const style = new URLSearchParams();
  if (look) style.set("look", look);
  if (each) style.set("each", "true");
  if (hidden.size) style.set("hide", [...hidden].sort((a, b) => a - b).join(","));
  return `${location.origin}/tiles/${part(layer)}/${date}/{z}/{x}/{y}.png?${style}`;
}
