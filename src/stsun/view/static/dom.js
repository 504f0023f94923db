// Elements made from data. Texts are set as texts: a name can never become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties (listeners as `onclick`, attributes as `aria-label`), and children or texts. */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for a part of a drawing. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "color") element.style.setProperty("--color", value);
    else if (name in element && !(element instanceof SVGElement) && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

const ICONS = {
  theme: "M12 3a9 9 0 1 0 0 18ZM12 3a9 9 0 0 1 0 18",
  help: "M9.2 9a2.9 2.9 0 1 1 4.4 2.5c-1 .6-1.6 1.2-1.6 2.5M12 17.4v.2",
  fold: "m6 9 6 6 6-6",
  earlier: "m14.5 6-6 6 6 6",
  later: "m9.5 6 6 6-6 6",
  play: "M8 5.5v13l11-6.5Z",
  pause: "M8.5 6v12M15.5 6v12",
  close: "m6.5 6.5 11 11m0-11-11 11",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  box: "M5 5h14v14H5Z",
};

/** One of the drawings above. */
export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/** A button that shows a drawing and is called by a text. */
export function iconButton(name, label, onclick) {
  return el("button", { type: "button", className: "quiet", "aria-label": label, title: label, onclick }, icon(name));
}

let hiding = 0;

/** Tells the user something that went wrong. */
export function say(text) {
  const message = byId("message");
  message.textContent = text;
  message.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => {
    message.hidden = true;
  }, 9000);
}
