// The REST API: JSON in, JSON out, errors in the device's own words.

/** What the device said when it did not do something. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

// Where 401 is said of the password that was sent, not of who asks.
const ASKS_PASSWORD = ["/api/login", "/api/password"];

let onStranger = () => {};

/** `callback` is called whenever the device no longer knows us. */
export function whenStranger(callback) {
  onStranger = callback;
}

/** Asks; `accept` are statuses other than 2xx whose answer is wanted all the same. */
export async function ask(path, { method = "GET", body, accept = [], signal } = {}) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (response.ok || accept.includes(response.status)) return answer;
  if (response.status === 401 && !ASKS_PASSWORD.includes(path)) onStranger();
  throw new Refused(response.status, answer.detail ?? `the device answered ${response.status}`);
}

/** The same; null where the device has nothing of the kind, or not for us. */
export async function askIfThere(path, options) {
  try {
    return await ask(path, options);
  } catch (error) {
    if ([403, 404, 405].includes(error.status)) return null;
    throw error;
  }
}

/** Every page of events that `query` gives, up to `pagesMax` pages of 100. */
export async function allEvents(query, pagesMax, signal) {
  const found = [];
  let next = `/api/events?${new URLSearchParams({ ...query, limit: 100 })}`;
  for (let page = 0; next !== null && page < pagesMax; page++) {
    const { events, paging } = await ask(next, { signal });
    found.push(...events);
    next = paging.next;
  }
  return { events: found, complete: next === null };
}
