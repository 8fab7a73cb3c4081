// Events: the feed as it grows, a day at a glance, search and filters that stand in the address, older ones as one scrolls.

import { device } from "./device.js";
import { button } from "./dom.js";
import { fail } from "./dom.js";
import { field } from "./dom.js";
import { h } from "./dom.js";
import { put } from "./dom.js";
import { select } from "./dom.js";
import { toast } from "./dom.js";
import { toggle } from "./dom.js";
import { TRIGGER } from "./format.js";
import { count } from "./format.js";
import { dateTime } from "./format.js";
import { eventItem } from "./item.js";
import { canNotify } from "./notify.js";
import { notifies } from "./notify.js";
import { setNotify } from "./notify.js";
import { timeline } from "./timeline.js";

const FILTERS = ["trigger", "zone", "score_min", "from", "to"];

/** The view. */
export function view({ query, signal }) {
  const filter = Object.fromEntries(FILTERS.map((key) => [key, query.get(key) ?? ""]));
  const words = query.get("q") ?? "";
  const list = new List(words, queryOf(filter, words), signal);
  const go = (change) => {
    location.hash = `#/events${queryOf({ ...filter, ...change }, change.q ?? list.words)}`;
  };
  device.reach(() => device.feed.ensure(filter).then(() => list.ready()), signal);
  return h("div", { class: "feed" },
    h("section", { class: "card", "aria-label": "Search and filters" }, filters(filter, words, list, go), timeline(filter, go, signal)),
    h("section", { class: "card", "aria-labelledby": "feed-title" },
      h("div", { class: "title" }, h("h2", { id: "feed-title" }, "Newest first"), list.note, notifySwitch()),
      list.element, list.foot));
}

function queryOf(filter, words) {
  const given = Object.entries({ ...filter, q: words }).filter(([key, value]) => value && (key === "q" || FILTERS.includes(key)));
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

function filters(filter, words, list, go) {
  const zones = device.zones.zones.map(({ name }) => [name, name]);
  const known = zones.some(([name]) => name === filter.zone) || filter.zone === "" ? zones : [...zones, [filter.zone, filter.zone]];
  const search = h("input", { type: "search", value: words, placeholder: "Zone, kept, #12", oninput: () => list.search(search.value) });
  const scores = [["", "Any"], ...[0.5, 0.6, 0.7, 0.8, 0.9].map((least) => [String(least), `${least} or more`])];
  const range = filter.from && h("p", { class: "chips" }, h("span", { class: "chip" }, `${dateTime(Date.parse(filter.from))} – ${filter.to ? dateTime(Date.parse(filter.to)) : "now"}`));
  const isFiltered = words !== "" || FILTERS.some((key) => filter[key] !== "");
  return h("form", { class: "filters", onsubmit: (event) => event.preventDefault() },
    field("Search", search),
    field("Trigger", select([["", "Any"], ...Object.entries(TRIGGER)], filter.trigger, (event) => go({ trigger: event.target.value }))),
    field("Zone", select([["", "Any"], ...known], filter.zone, (event) => go({ zone: event.target.value }))),
    field("Day", dayInput(filter, go)),
    field("Score", select(scores, filter.score_min, (event) => go({ score_min: event.target.value }))),
    isFiltered && h("a", { class: "button", href: "#/events" }, "Clear"), range);
}

/** A day of the viewer's; shown as long as the filter is exactly that. */
function dayInput({ from, to }, go) {
  const next = (begin) => new Date(begin.getFullYear(), begin.getMonth(), begin.getDate() + 1);
  const begin = new Date(from);
  const isDay = from !== "" && to !== "" && begin.getHours() === 0 && next(begin).getTime() === Date.parse(to);
  const two = (number) => String(number).padStart(2, "0");
  const value = isDay ? `${begin.getFullYear()}-${two(begin.getMonth() + 1)}-${two(begin.getDate())}` : "";
  const input = h("input", { type: "date", value, onchange: () => {
    if (input.value === "") return go({ from: "", to: "" });
    const chosen = new Date(`${input.value}T00:00`);
    go({ from: chosen.toISOString(), to: next(chosen).toISOString() });
  } });
  return input;
}

function notifySwitch() {
  if (!canNotify()) return null;
  const made = toggle("Notify me", notifies(), (on) => setNotify(on).then((granted) => {
    if (granted) return;
    made.querySelector("input").checked = false;
    toast("The browser does not allow notifications of this page.", "bad");
  }));
  return made;
}

/** The feed as a list: one item for each event that fits, changed where it changed. */
class List {
  element = h("ol", { class: "events", "aria-label": "Events, newest first" });
  note = h("p", { class: "quiet", role: "status" });
  #older = button("Show older", () => this.#grow());
  foot = h("div", { class: "foot" }, this.#older);
  words;
  #suffix;
  #signal;
  #isReady = false;

  constructor(words, suffix, signal) {
    [this.words, this.#suffix, this.#signal] = [words, suffix, signal];
    this.#older.hidden = true;
    device.feed.addEventListener("change", ({ detail }) => this.#isReady && this.#draw(detail), { signal });
    const end = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.#grow(), { rootMargin: "400px" });
    end.observe(this.foot);
    signal.addEventListener("abort", () => end.disconnect());
  }

  /** The filter holds: show what there is. */
  ready() {
    if (this.#signal.aborted) return;
    this.#isReady = true;
    this.#draw(null);
  }

  /** Shows only what has all these words. */
  search(words) {
    this.words = words;
    this.#draw(null);
  }

  #draw(changed) {
    if (changed === null) this.element.replaceChildren(...device.feed.ids.filter((id) => this.#matches(id)).map((id) => this.#item(id)));
    else changed.forEach((id) => this.#change(id));
    this.#older.hidden = !device.feed.more;
    const shown = this.element.childElementCount;
    const nothing = this.#suffix === "" && this.words === "" ? "Nothing has happened yet." : "Nothing fits.";
    put(this.note, shown === 0 ? nothing : `${count(shown, "event")}${device.feed.more ? ", more below" : ""}`);
  }

  #change(id) {
    const old = this.element.querySelector(`[data-id="${id}"]`);
    if (!device.feed.get(id) || !this.#matches(id)) return old?.remove();
    const item = this.#item(id);
    if (!old) return this.#insert(id, item);
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(item);
    if (hadFocus) item.querySelector("a").focus();
  }

  // New ones belong to the top, older ones to the end: both are found at once.
  #insert(id, item) {
    let after = this.element.lastElementChild;
    if (!after || Number(after.dataset.id) > id) return this.element.append(item);
    after = this.element.firstElementChild;
    while (after && Number(after.dataset.id) > id) after = after.nextElementSibling;
    this.element.insertBefore(item, after);
  }

  #item(id) {
    return eventItem(device.feed.get(id), device.shape, this.#suffix);
  }

  #matches(id) {
    const event = device.feed.get(id);
    const text = [`#${id}`, id, TRIGGER[event.trigger], event.trigger, ...event.zones, event.bookmarked ? "kept bookmarked" : "", dateTime(Date.parse(event.timestamp))];
    const haystack = text.join(" ").toLowerCase();
    return this.words.toLowerCase().split(/\s+/).every((word) => haystack.includes(word));
  }

  #grow() {
    if (this.#isReady && device.feed.more) device.feed.older().catch(fail);
  }
}
