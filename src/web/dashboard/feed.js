// The events as the page knows them: pages from the REST API and changes from the stream, each event once, newest first.

import { ask } from "./api.js";

const PAGE = 50;
// A page may stay open for weeks: beyond this the oldest go, and are asked for again when one scrolls there.
const KEPT_MAX = 2_000;

/** What an event must be like; `null` or "" where it does not matter. */
const ANY = { trigger: "", zone: "", score_min: "", from: "", to: "" };

/** Events that fit a filter, kept up to date. Tells "change" with the ids that changed, or null for all. */
export class Feed extends EventTarget {
  #events = new Map();
  #next = null;
  #filter = { ...ANY };
  #loading = null;
  #generation = 0;
  #newest = null;

  /** Ids, newest first. */
  get ids() {
    return [...this.#events.keys()].sort((one, other) => other - one);
  }

  get(id) {
    return this.#events.get(id);
  }

  /** Whether there are older ones that fit. */
  get more() {
    return this.#next !== null;
  }

  get filter() {
    return { ...this.#filter };
  }

  /** Has what fits this filter; asks for it only if it is another than before. */
  async ensure(filter) {
    const wanted = { ...ANY, ...filter };
    const isSame = this.#newest !== null && Object.keys(ANY).every((key) => wanted[key] === this.#filter[key]);
    if (!isSame) await this.load(filter);
  }

  /** Begins anew with this filter; gives the sequence number from which the stream completes it. */
  async load(filter = this.#filter) {
    this.#filter = { ...ANY, ...filter };
    const generation = ++this.#generation;
    const { events, paging } = await ask(this.#page({}));
    if (generation !== this.#generation) return paging.newest_seq;
    const during = [...this.#events.values()].filter((event) => event.seq > paging.newest_seq && this.fits(event));
    this.#events = new Map();
    for (const event of [...events, ...during]) this.#keep(event);
    [this.#next, this.#newest] = [paging.next, paging.newest_seq];
    this.#changed(null);
    return paging.newest_seq;
  }

  /** Loads the next older page. */
  older() {
    this.#loading ??= this.#older().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #older() {
    if (this.#next === null) return;
    const generation = this.#generation;
    const { events, paging } = await ask(this.#next);
    if (generation !== this.#generation) return;
    this.#next = paging.next;
    for (const event of events) this.#keep(event);
    this.#changed(events.map((event) => event.id));
  }

  /** Takes a message of the stream in. */
  take({ type, data, seq, event_id, test }) {
    if (test) return; // did not happen
    switch (type) {
      case "event": return this.#take(data);
      case "snapshot_saved": return this.#edit(data.event_id, { snapshot_url: data.url, picture: seq });
      case "clip_saved": return this.#edit(data.event_id, { clip_url: data.url });
      case "bookmark_created": return this.#edit(event_id, { bookmarked: true });
      case "bookmark_removed": return this.#edit(event_id, { bookmarked: false });
      case "event_deleted": return this.drop(event_id);
    }
  }

  /** Forgets an event that was deleted. */
  drop(id) {
    if (this.#events.delete(id)) this.#changed([id]);
  }

  /** Whether an event fits the filter. */
  fits(event) {
    const { trigger, zone, score_min, from, to } = this.#filter;
    const at = Date.parse(event.timestamp);
    return (!trigger || event.trigger === trigger) && (!zone || event.zones.includes(zone))
      && (!score_min || event.score >= Number(score_min))
      && (!from || at >= Date.parse(from)) && (!to || at < Date.parse(to));
  }

  #take(event) {
    const known = this.#events.get(event.id);
    if (known && known.seq >= event.seq) return;
    const isNewer = this.#next === null || this.#events.size === 0 || event.id > Math.min(...this.#events.keys());
    if (this.fits(event) && (known || isNewer)) this.#keep(event);
    else if (!this.#events.delete(event.id)) return;
    this.#changed([event.id, ...this.#bound()]);
  }

  #bound() {
    if (this.#events.size <= KEPT_MAX) return [];
    const ids = this.ids;
    const dropped = ids.splice(KEPT_MAX - PAGE);
    for (const id of dropped) this.#events.delete(id);
    this.#next = this.#page({ before: ids.at(-1) });
    return dropped;
  }

  #page(more) {
    const query = Object.entries({ ...this.#filter, ...more, limit: PAGE }).filter(([, value]) => value !== "" && value !== null);
    return `/api/events?${new URLSearchParams(query)}`;
  }

  #keep(event) {
    const known = this.#events.get(event.id);
    if (known && known.seq > event.seq) return;
    const pictures = { snapshot_url: event.snapshot_url ?? known?.snapshot_url, clip_url: event.clip_url ?? known?.clip_url };
    this.#events.set(event.id, { picture: known?.picture, ...event, ...pictures });
  }

  #edit(id, change) {
    const known = this.#events.get(id);
    if (!known) return;
    this.#events.set(id, { ...known, ...change });
    this.#changed([id]);
  }

  #changed(ids) {
    this.dispatchEvent(new CustomEvent("change", { detail: ids }));
  }
}
