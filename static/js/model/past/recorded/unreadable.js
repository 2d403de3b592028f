// A file that is not what it should be, in the reader's words; which part of it, where that is known.

import { say } from "../../../words/words.js";

/** @typedef {"other"|"version"|"changed"|"cut"|"large"|"directory"} Why */

export class Unreadable extends Error {
  /** @param {Why} why @param {string} [name] of a part @param {Record<string, string|number>} [places] */
  constructor(why, name = "", places = {}) {
    super(say(`file.${why}`, { name, ...places }));
    this.why = why;
    this.part = name;
  }
}
