// Where a strip of time is written on: the times people count in, in the reader's zone, as far apart as the words need.

import * as format from "../../words/format.js";
import { DAY, HOUR, MINUTE, SECOND } from "./moment.js";

const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 4, 7].map((n) => n * DAY),
];

/**
 * @param {import("./moment.js").Span} span @param {number} width px @param {number} apart px @param {string} zone
 * @returns {{time: number, words: string, day: boolean}[]} day: it is where one begins
 */
export function axis({ from, until }, width, apart, zone) {
  const step = STEPS.find((one) => (one / (until - from)) * width >= apart) ?? 7 * DAY;
  /** @type {{time: number, words: string, day: boolean}[]} */ const out = [];
  let n = 0;
  for (let day = format.startOfDay(from, zone); day <= until; n++) {
    const next = format.endOfDay(day, zone);
    if (step < DAY || n % (step / DAY) === 0) write(day, true);
    const changes = next - day - DAY; // of the clock
    for (let on = step; step < DAY && on < DAY; on += step) {
      const late = changes && format.zoneName(day + on, zone) !== format.zoneName(day, zone);
      write(late ? day + on + changes : day + on, false);
    }
    day = next;
  }
  return out;

  /** @param {number} time @param {boolean} day */
  function write(time, day) {
    if (time < from || time > until) return;
    const clock = step < MINUTE ? format.clock : format.clockShort;
    const words = day ? `${format.weekday(time, zone)} ${format.day(time, zone)}` : clock(time, zone);
    out.push({ time, words, day });
  }
}
