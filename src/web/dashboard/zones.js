// Zones: drawn, named and moved on the live picture; what is changed is the device's once it is saved.

import { ask } from "./api.js";
import { device } from "./device.js";
import { button } from "./dom.js";
import { card } from "./dom.js";
import { fail } from "./dom.js";
import { field } from "./dom.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { put } from "./dom.js";
import { select } from "./dom.js";
import { toast } from "./dom.js";
import { livePicture } from "./picture.js";
import { Editor } from "./polygons.js";

const SENSITIVITIES = [["", "Camera's"], ...Array.from({ length: 10 }, (_, n) => [String(n + 1), String(n + 1)])];

/** The view. */
export function view({ signal }) {
  const picture = livePicture(signal, { boxes: true, zones: false, heat: false });
  const list = h("div", { class: "shapes" });
  const hint = h("p", { class: "hint", role: "status" });
  const save = button("Save", () => keep(), { class: "primary" });
  const discard = button("Discard", () => editor.load(device.zones));
  const editor = new Editor(picture.overlay, signal);
  const draw = () => {
    fill(list, editor.shapes.length === 0 ? h("p", { class: "quiet" }, "No zones: motion anywhere in the picture counts.") : editor.shapes.map((shape) => row(editor, shape)));
    allow();
  };
  const allow = () => {
    for (const made of [save, discard]) made.disabled = !editor.isChanged || !device.knowsZones || !device.may("control");
  };
  const guide = () => put(hint, editor.isDrawing
    ? "Click the corners; click the first one, or press Enter, to close the shape. Escape gives it up."
    : "Drag corners or whole shapes. With the keyboard: Tab to a corner, arrows move it, Delete removes it.");
  const keep = async () => {
    try {
      device.zones = await ask("/api/zones", { method: "PUT", body: editor.document });
      editor.load(device.zones);
      toast("The zones are saved, and hold from the next picture on.");
    } catch (error) {
      if (error.status === 405) toast("This device takes zones from its configuration only.", "bad");
      else fail(error);
    }
  };
  editor.addEventListener("shapes", draw, { signal });
  editor.addEventListener("edit", allow, { signal });
  editor.addEventListener("mode", guide, { signal });
  let isLoaded = false; // nothing is drawn over zones that are not known yet
  device.watch("zones", () => {
    if (!isLoaded || !editor.isChanged) editor.load(device.zones);
    isLoaded = device.knowsZones;
    allow();
  }, signal);
  draw();
  guide();
  const add = (kind, text) => button(text, () => editor.begin(kind));
  return h("div", { class: "zones-view" },
    h("section", { class: "card stage", "aria-label": "Picture" }, picture.element, hint,
      h("div", { class: "actions wrap" }, add("zone", "Draw a zone"), add("mask", "Draw a mask"),
        button("Add a rectangle", () => editor.addRectangle()))),
    card("Zones and masks", { actions: [discard, save] },
      h("p", { class: "hint" }, "Once there is a zone, only motion that touches one counts. What a mask covers is never looked at."), list));
}

function row(editor, shape) {
  const isZone = shape.kind === "zone";
  const name = isZone && h("input", { value: shape.name, maxlength: 32, required: true, oninput: () => editor.change(shape, { name: name.value }) });
  const sensitivity = isZone && select(SENSITIVITIES, String(shape.sensitivity ?? ""), (event) => editor.change(shape, { sensitivity: event.target.value === "" ? null : Number(event.target.value) }));
  const title = isZone ? shape.name : `Mask ${editor.shapes.filter((other) => other.kind === "mask").indexOf(shape) + 1}`;
  return h("fieldset", { class: `shape ${shape.kind}`, onfocusin: () => editor.select(shape) },
    h("legend", { class: "unseen" }, isZone ? "Zone" : title),
    isZone ? [field("Name", name), field("Sensitivity", sensitivity)] : h("b", {}, title),
    button("✕", () => editor.remove(shape), { "aria-label": `Remove ${title}`, title: "Remove" }));
}
