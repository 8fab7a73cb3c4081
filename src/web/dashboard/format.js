// Words for values: times in the viewer's own zone and language, amounts with their units, names of states.

export const TRIGGER = { video: "Video", pir: "PIR", both: "Video + PIR", manual: "By hand" };
export const CAMERA = { opening: "Opening", live: "Live", lost: "Lost", ended: "Ended" };
export const MOTION = { warm_up: "Learning the scene", still: "Still", candidate: "Something", moving: "Moving", scene_change: "Scene changed" };
export const PIR = { none: "None", warm_up: "Warming up", live: "Quiet", unavailable: "Unavailable" };
export const END = {
  quiet: "it became quiet", length: "it reached its longest", camera_lost: "the camera was lost",
  disarmed: "it was disarmed", shutdown: "the service stopped", interrupted: "the power was lost",
};

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric" });

/** `3 minutes ago`. */
export function ago(then, now = Date.now()) {
  const seconds = Math.round((then - now) / 1000);
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.min(0, seconds), "second");
}

/** Date and time. */
export const dateTime = (then) => absolute.format(then);
/** Time of the day. */
export const timeOfDay = (then) => clockTime.format(then);
/** Date and time, without the date where that is today's. */
export const when = (then) => (new Date(then).toDateString() === new Date().toDateString() ? clockTime : absolute).format(then);
/** A day, in words. */
export const day = (then) => dayName.format(then);

/** How long something took. */
export function duration(ms) {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

/** How long something runs. */
export function span(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`;
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} days`;
}

/** An amount of memory or disk. */
export function bytes(amount) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = amount < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(amount) / 10));
  return `${(amount / 1024 ** step).toFixed(step === 0 || amount / 1024 ** step >= 100 ? 0 : 1)}\u00a0${units[step]}`;
}

/** A score, or a part. */
export const score = (value) => value.toFixed(2);

/** `1 event`, `2 events`. */
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString()} ${n === 1 ? one : many}`;
