// Small charts of values over time: a line, its newest value beside it. Drawn anew as values come.

import { h } from "./dom.js";
import { put } from "./dom.js";

const WIDTH = 240;
const HEIGHT = 48;

/** A chart with a title; `draw(values)` shows values, null where there is none. `range` is [least, most] where that is known. */
export function chart(title, format, range) {
  const line = h("polyline", { class: "line" });
  const area = h("polygon", { class: "area" });
  const graph = h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, area, line);
  const now = h("output", {}, "–");
  const span = h("span", { class: "quiet" });
  const element = h("div", { class: "chart" }, h("div", { class: "chart-title" }, h("span", {}, title), now), graph, span);
  const draw = (values) => {
    const known = values.filter((value) => value !== null && value !== undefined);
    element.hidden = known.length === 0;
    if (known.length === 0) return;
    const points = pointsOf(values, range ?? rangeOf(known));
    line.setAttribute("points", points);
    area.setAttribute("points", `0,${HEIGHT} ${points} ${WIDTH},${HEIGHT}`);
    put(now, format(known.at(-1)));
    put(span, `${format(Math.min(...known))} to ${format(Math.max(...known))}`);
  };
  return { element, draw };
}

function pointsOf(values, [least, most]) {
  const across = WIDTH / Math.max(1, values.length - 1);
  const points = [];
  values.forEach((value, n) => {
    if (value === null || value === undefined) return;
    const part = Math.min(1, Math.max(0, (value - least) / (most - least || 1)));
    points.push(`${(n * across).toFixed(1)},${(HEIGHT - 2 - part * (HEIGHT - 4)).toFixed(1)}`);
  });
  return points.join(" ");
}

// Room around what there is, so that noise does not look like news.
function rangeOf(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = Math.max((most - least) * 0.2, Math.abs(most) * 0.05, 0.5);
  return [Math.min(least - room, least), most + room];
}
