// Elements from data, without a parser in between: text is always text. Used by every view.

const SVG = "http://www.w3.org/2000/svg";
const SVG_NAMES = new Set(["svg", "rect", "path", "polygon", "polyline", "circle", "line", "text", "g"]);

/**
 * Makes an element: `h("p", { class: "quiet", onclick: f }, "text", child)`. Functions become listeners; `true` is an attribute
 * without value; null, undefined and false attributes and children are left out.
 */
export function h(name, attributes = {}, ...children) {
  const made = SVG_NAMES.has(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Puts `text` there, only if it is another: screen readers and layout stay quiet. */
export function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** Puts `children` in the place of what was there. */
export function fill(place, ...children) {
  place.replaceChildren(...children.flat().filter(Boolean));
  return place;
}

/** A card with a title; `actions` stand beside it. */
export function card(title, { id = title.toLowerCase().replaceAll(/\W+/g, "-"), actions = [], ...more } = {}, ...children) {
  const heading = h("h2", { id: `${id}-title` }, title);
  return h("section", { class: "card", "aria-labelledby": `${id}-title`, ...more },
    h("div", { class: "title" }, heading, h("div", { class: "actions" }, actions)), ...children);
}

/** Facts as a list of terms; `entries` are [term, value, class]. */
export function facts(entries) {
  const rows = entries.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: "facts" }, rows.map(([term, value, kind]) => h("div", {}, h("dt", {}, term), h("dd", { class: kind }, value))));
}

/** A button. */
export function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/** A labelled field around a control. */
export function field(label, control, hint) {
  const id = control.id || (control.id = `field-${++fields}`);
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, hint && h("p", { class: "hint", id: `${id}-hint` }, hint));
}

let fields = 0;

/** A choice; `options` are [value, text]. */
export function select(options, value, onchange, attributes = {}) {
  const made = h("select", { onchange, ...attributes }, options.map(([key, text]) => h("option", { value: key }, text)));
  made.value = value;
  return made;
}

/** A switch that is on or off. */
export function toggle(label, on, onchange) {
  const box = h("input", { type: "checkbox", role: "switch", onchange: () => onchange(box.checked) });
  box.checked = on;
  return h("label", { class: "toggle" }, box, h("span", { class: "track", "aria-hidden": "true" }), h("span", {}, label));
}

/** Says something in passing, below; for screen readers, too. */
export function toast(text, kind = "") {
  const note = h("p", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 8000 : 4000);
}

/** Says what went wrong. */
export function fail(error) {
  if (error?.name === "AbortError" || error?.status === 401) return;
  toast(error instanceof TypeError ? "The device does not answer." : sentence(error.message), "bad");
}

/** `text` as a sentence. */
export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** Asks before something that cannot be undone; resolves to true or false. */
export function confirmed(question, action) {
  const dialog = h("dialog", { "aria-labelledby": "question" },
    h("form", { method: "dialog" }, h("p", { id: "question" }, question),
      h("div", { class: "actions end" }, h("button", { value: "" }, "Cancel"), h("button", { value: "yes", class: "danger" }, action))));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "yes");
  }));
}

/** A line drawing; `paths` as in SVG, on a grid of 24. */
export function icon(paths) {
  return h("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, h("path", { d: paths }));
}
