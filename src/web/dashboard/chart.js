// Small charts of values over time: a line, its newest value beside it. Drawn anew as values come.

import { h } from "./dom.js";
import { put } from "./dom.js";

const WIDTH = 240;
const HEIGHT = 48;
// So many values fill the width; fewer begin further right, as the newest is always at the right edge.
const VALUES_MIN = 60;

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
    const [begin, end] = [points[0], points.at(-1)].map(([x]) => x);
    line.setAttribute("points", points.map((point) => point.join(",")).join(" "));
    area.setAttribute("points", `${begin},${HEIGHT} ${line.getAttribute("points")} ${end},${HEIGHT}`);
    put(now, format(known.at(-1)));
    const [least, most] = [Math.min(...known), Math.max(...known)].map(format);
    put(span, least === most ? `${least} so far` : `${least} to ${most}`);
  };
  return { element, draw };
}

// A single value is a short line, so that it is seen.
function pointsOf(values, [least, most]) {
  const across = WIDTH / (Math.max(VALUES_MIN, values.length) - 1);
  const height = (value) => HEIGHT - 2 - Math.min(1, Math.max(0, (value - least) / (most - least || 1))) * (HEIGHT - 4);
  const points = [];
  values.forEach((value, n) => {
    if (value === null || value === undefined) return;
    points.push([(WIDTH - (values.length - 1 - n) * across).toFixed(1), height(value).toFixed(1)]);
  });
  return points.length > 1 ? points : [[(points[0][0] - across).toFixed(1), points[0][1]], points[0]];
}

// Room around what there is, so that noise does not look like news.
function rangeOf(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = Math.max((most - least) * 0.2, Math.abs(most) * 0.05, 0.5);
  return [Math.min(least - room, least), most + room];
}
