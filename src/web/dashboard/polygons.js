// Polygons on a picture: drawn corner by corner, moved whole or by a corner, with the mouse, a finger or the keyboard.

import { h } from "./dom.js";
import { outline } from "./picture.js";

const STEP = 0.01;
const CLOSE_PX = 14;
const CORNERS_MAX = 32;
const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

/**
 * The shapes that are drawn over `overlay`. Tells "shapes" when there are others, "edit" when one
 * of them changed, "mode" when drawing begins or ends.
 */
export class Editor extends EventTarget {
  shapes = [];
  #overlay;
  #layer = h("g", { class: "editor" });
  #handles = h("div", { class: "handles" });
  #saved = JSON.stringify({ zones: [], masks: [] });
  #drawing = null;
  #selected = null;
  #held = null;

  constructor(overlay, signal) {
    super();
    this.#overlay = overlay;
    overlay.removeAttribute("aria-hidden");
    overlay.append(this.#layer);
    overlay.after(this.#handles);
    overlay.classList.add("edited");
    overlay.addEventListener("pointerdown", (event) => this.#down(event), { signal });
    overlay.addEventListener("pointermove", (event) => this.#move(event), { signal });
    overlay.addEventListener("pointerup", () => (this.#held = null), { signal });
    addEventListener("keydown", (event) => this.#key(event), { signal });
    new ResizeObserver(() => this.#draw()).observe(overlay);
  }

  /** Takes the device's document in place of all that is drawn. */
  load({ zones, masks }) {
    this.shapes = [
      ...zones.map(({ name, polygon, sensitivity }) => ({ kind: "zone", name, sensitivity, points: polygon.map((point) => [...point]) })),
      ...masks.map((mask) => ({ kind: "mask", points: mask.map((point) => [...point]) })),
    ];
    this.#saved = JSON.stringify(this.document);
    this.#drawing = this.#selected = null;
    this.#changed();
    this.#mode();
  }

  /** What is drawn, as the device has it. */
  get document() {
    const of = (kind) => this.shapes.filter((shape) => shape.kind === kind);
    const rounded = (points) => points.map((point) => point.map((part) => Math.round(part * 1e4) / 1e4));
    return {
      zones: of("zone").map(({ name, points, sensitivity }) => ({ name, polygon: rounded(points), sensitivity: sensitivity ?? null })),
      masks: of("mask").map(({ points }) => rounded(points)),
    };
  }

  get isChanged() {
    return JSON.stringify(this.document) !== this.#saved;
  }

  get isDrawing() {
    return this.#drawing !== null;
  }

  /** Begins to draw a shape of that kind. */
  begin(kind) {
    this.#drawing = { kind, points: [], ...(kind === "zone" ? { name: this.#newName(), sensitivity: null } : {}) };
    this.#selected = null;
    this.#draw();
    this.#mode();
  }

  /** Adds a zone in the middle, for who does not use a pointer. */
  addRectangle() {
    this.#add({ kind: "zone", name: this.#newName(), sensitivity: null, points: [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]] });
  }

  /** Gives it another name or sensitivity. */
  change(shape, change) {
    Object.assign(shape, change);
    this.#edited();
  }

  remove(shape) {
    this.shapes = this.shapes.filter((other) => other !== shape);
    this.#selected = null;
    this.#changed();
  }

  select(shape) {
    if (this.#selected === shape) return;
    this.#selected = shape;
    this.#draw();
  }

  #newName() {
    const names = new Set(this.shapes.map((shape) => shape.name));
    for (let n = 1; ; n++) if (!names.has(`zone ${n}`)) return `zone ${n}`;
  }

  #add(shape) {
    this.shapes.push(shape);
    this.#selected = shape;
    this.#changed();
  }

  #changed() {
    this.#draw();
    this.dispatchEvent(new Event("shapes"));
  }

  // What is moved or written is still the same shapes: a list of them stays as it is under the cursor.
  #edited() {
    this.#draw();
    this.dispatchEvent(new Event("edit"));
  }

  #mode() {
    this.#overlay.classList.toggle("drawing", this.isDrawing);
    this.dispatchEvent(new Event("mode"));
  }

  #at(event) {
    const { left, top, width, height } = this.#overlay.getBoundingClientRect();
    return [inside((event.clientX - left) / width), inside((event.clientY - top) / height)];
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const at = this.#at(event);
    if (this.#drawing) return this.#corner(at);
    const shape = this.shapes.findLast(({ points }) => contains(points, at));
    this.#selected = shape ?? null;
    this.#held = shape ? { shape, at } : null;
    if (shape) this.#overlay.setPointerCapture(event.pointerId);
    this.#draw();
  }

  #corner(at) {
    const { points } = this.#drawing;
    const { width, height } = this.#overlay.getBoundingClientRect();
    const isFirst = points.length >= 3 && Math.hypot((at[0] - points[0][0]) * width, (at[1] - points[0][1]) * height) < CLOSE_PX;
    if (isFirst) return this.#close();
    if (points.length < CORNERS_MAX) points.push(at);
    this.#draw();
  }

  #close() {
    const drawn = this.#drawing;
    this.#drawing = null;
    if (drawn.points.length >= 3) this.#add(drawn);
    else this.#draw();
    this.#mode();
  }

  #move(event) {
    const at = this.#at(event);
    if (this.#drawing) return this.#draw(at);
    if (!this.#held) return;
    const { shape, corner } = this.#held;
    if (corner === undefined) shift(shape.points, at[0] - this.#held.at[0], at[1] - this.#held.at[1]);
    else shape.points[corner] = at;
    this.#held.at = at;
    this.#edited();
  }

  #key(event) {
    if (this.#drawing && event.key === "Enter" && this.#drawing.points.length >= 3) this.#close();
    else if (this.#drawing && event.key === "Escape") {
      this.#drawing.points = [];
      this.#close();
    } else return;
    event.preventDefault();
  }

  #handleKey(event, shape, corner) {
    const arrow = ARROWS[event.key];
    const isRemoval = ["Delete", "Backspace"].includes(event.key) && shape.points.length > 3;
    if (!arrow && !isRemoval) return;
    event.preventDefault();
    if (arrow && event.shiftKey) shift(shape.points, ...arrow);
    else if (arrow) shape.points[corner] = shape.points[corner].map((part, axis) => inside(part + arrow[axis]));
    else shape.points.splice(corner, 1);
    this.#edited();
    this.#handles.children[Math.min(corner, shape.points.length - 1)]?.focus();
  }

  #draw(cursor) {
    const drawn = this.#drawing && h("polyline", { class: `${this.#drawing.kind} drawn`, points: [...this.#drawing.points, ...(cursor ? [cursor] : [])].map((point) => point.join(",")).join(" ") });
    const shapes = this.shapes.map((shape) => outline(shape.points, `${shape.kind}${shape === this.#selected ? " selected" : ""}`));
    this.#layer.replaceChildren(...shapes, ...(drawn ? [drawn] : []));
    this.#drawHandles();
  }

  // Handles stay where they are while one of them is dragged or has the focus.
  #drawHandles() {
    const shape = this.#drawing ?? this.#selected;
    const points = shape?.points ?? [];
    while (this.#handles.childElementCount > points.length) this.#handles.lastElementChild.remove();
    while (this.#handles.childElementCount < points.length) this.#handles.append(this.#handle(this.#handles.childElementCount));
    points.forEach(([x, y], corner) => {
      const handle = this.#handles.children[corner];
      [handle.style.left, handle.style.top] = [`${x * 100}%`, `${y * 100}%`];
      handle.setAttribute("aria-label", `Corner ${corner + 1} of ${points.length} of ${shape.name ?? "mask"}, at ${Math.round(x * 100)} by ${Math.round(y * 100)} percent`);
    });
  }

  #handle(corner) {
    const made = h("button", { type: "button", class: "handle", onkeydown: (event) => this.#selected && this.#handleKey(event, this.#selected, corner) });
    made.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      if (this.#drawing) return this.#corner(this.#at(event));
      made.focus();
      made.setPointerCapture(event.pointerId);
      this.#held = { shape: this.#selected, corner, at: this.#at(event) };
    });
    made.addEventListener("pointermove", (event) => this.#held && this.#move(event));
    made.addEventListener("pointerup", () => (this.#held = null));
    return made;
  }
}

const inside = (part) => Math.min(1, Math.max(0, part));

/** Moves all points, as far as none of them leaves the picture. */
function shift(points, dx, dy) {
  for (const [axis, by] of [[0, dx], [1, dy]]) {
    const least = Math.min(...points.map((point) => point[axis]));
    const most = Math.max(...points.map((point) => point[axis]));
    const bounded = Math.min(1 - most, Math.max(-least, by));
    for (const point of points) point[axis] += bounded;
  }
}

/** Whether a point is inside, by the even-odd rule. */
function contains(points, [x, y]) {
  let isInside = false;
  points.forEach(([ax, ay], n) => {
    const [bx, by] = points[(n + points.length - 1) % points.length];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) isInside = !isInside;
  });
  return isInside;
}
