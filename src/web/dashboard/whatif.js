// What other settings would have made of the last hour, second by second. An estimate: the strongest motion of a second stands for
// its pictures, and nobody knows any more how large it was.

// Thresholds of the detector change by this factor from one sensitivity to the next.
const STEP = 1.25;

/** The score that is just enough at sensitivity `at`, in scores at sensitivity `now`, where 0.5 is. */
export const threshold = (now, at) => 1 / (1 + STEP ** (at - now));

// What begins an event, and what keeps it going: whether there is motion and whether the sensor sees something, now and lately.
const RULES = {
  video: { begins: ({ moves }) => moves, goesOn: ({ moves }) => moves },
  pir: { begins: ({ senses }) => senses, goesOn: ({ senses }) => senses },
  either: { begins: ({ moves, senses }) => moves || senses, goesOn: ({ moves, senses }) => moves || senses },
  both: { begins: (now) => (now.moves && now.sensed) || (now.senses && now.moved), goesOn: ({ moves, senses }) => moves || senses },
  pir_arms_video: { begins: ({ moves, sensed }) => moves && sensed, goesOn: ({ moves }) => moves },
};

/**
 * The events of so many seconds, as [first, last] of each. `seconds` are { score, pir }, or null where nothing is known; `least` is
 * the score that is just enough; the rest are keys of [event].
 */
export function eventsOf(seconds, least, { fusion, window_ms, gap_ms, length_max_s }) {
  const { begins, goesOn } = RULES[fusion];
  const latest = { moves: -Infinity, senses: -Infinity };
  const events = [];
  let running = null;
  seconds.forEach((second, at) => {
    const now = { moves: second !== null && second.score >= least, senses: second !== null && second.pir };
    for (const kind of Object.keys(latest)) if (now[kind]) latest[kind] = at;
    now.moved = (at - latest.moves) * 1000 <= window_ms;
    now.sensed = (at - latest.senses) * 1000 <= window_ms;
    if (running && ((at - running[1]) * 1000 > gap_ms || at - running[0] >= length_max_s)) running = null;
    if (running && goesOn(now)) running[1] = at;
    else if (!running && begins(now)) events.push((running = [at, at]));
  });
  return events;
}
