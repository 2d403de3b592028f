// The tile layer, which fails like the weather: what does not come leaves the built-in map in view and is asked for again,
// ever more rarely, one tile at a time; when that one comes, all the others are asked for too.

import { language, say } from "../words/words.js";

const SOON_MS = 2000, LATEST_MS = 60_000;
const SPELL = 3; // so many in a row, and one of them asked again in vain: no tiles come here now

/** @typedef {{url: string|null, attribution: string, max_zoom?: number, reachable: boolean, why?: string|null}} TileSource */

export class Tiles {
  /** @param {L.Map} map @param {(working: boolean, why: string) => void} told whenever tiles come or stay away
   * @param {() => Promise<TileSource|null>} ask the server, whether they can be had now */
  constructor(map, told, ask) {
    this.map = map;
    this.told = told;
    this.ask = ask;
    /** @type {TileSource|null} */ this.source = null;
    /** @type {L.TileLayer|null} */ this.layer = null;
    /** @type {Map<HTMLImageElement, any>} */ this.failed = new Map();
    /** @type {WeakSet<HTMLImageElement>} */ this.asked = new WeakSet();
    this.timer = this.inRow = 0;
    this.wait = SOON_MS;
    /** @type {boolean|null} */ this.working = null;
    const now = () => document.visibilityState !== "hidden" && this.#hurry();
    addEventListener("online", now);
    document.addEventListener("visibilitychange", now);
  }

  /** @param {TileSource|null} source */
  show(source) {
    this.source = source;
    this.#clear();
    if (!source?.url) return;
    if (!source.reachable) {
      this.#say(false, (language === "en" && source.why) || say("tiles.silent"));
      return this.#later();
    }
    const sharp = devicePixelRatio > 1 ? "@2x" : "";
    const layer = (this.layer = L.tileLayer(source.url, /** @type {any} */ ({ attribution: source.attribution, maxZoom: 19, maxNativeZoom: source.max_zoom ?? 19, className: "tiles", r: sharp })));
    layer.on("tileload", ({ tile }) => this.#came(tile));
    layer.on("tileerror", ({ tile, coords }) => this.#missed(tile, coords));
    layer.addTo(this.map);
  }

  /** CSS px of a tile; those of the deepest zoom are enlarged. */
  side() {
    return this.layer?.getTileSize().x ?? 256;
  }

  /** The screen is sharper or less sharp than before: tiles made for it are others. */
  renew() {
    if (this.source?.url?.includes("{r}")) this.show(this.source);
  }

  /** @param {HTMLImageElement} tile */
  #came(tile) {
    const again = this.asked.delete(tile) || this.working === false;
    this.inRow = 0;
    this.failed.delete(tile);
    this.#say(true, "");
    if (!again) return;
    this.wait = SOON_MS;
    this.#again([...this.failed]);
  }

  /** @param {HTMLImageElement} tile @param {any} coords */
  #missed(tile, coords) {
    this.failed.set(tile, coords);
    this.inRow++;
    if (this.asked.delete(tile) && this.inRow >= SPELL) this.#say(false, say("tiles.none"));
    this.#later();
  }

  #later() {
    if (this.timer) return;
    this.timer = window.setTimeout(() => this.#retry(), this.wait);
    this.wait = Math.min(LATEST_MS, this.wait * 2);
  }

  #hurry() {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.wait = SOON_MS;
    this.#retry();
  }

  async #retry() {
    this.timer = 0;
    if (!this.layer) {
      const source = await this.ask().catch(() => null);
      if (source?.reachable) this.show(source);
      else this.#later();
      return;
    }
    for (const tile of this.failed.keys()) if (!tile.isConnected) this.failed.delete(tile);
    this.#again([...this.failed].slice(0, 1)); // each time another: a failed one goes to the end
  }

  /** @param {[HTMLImageElement, any][]} tiles */
  #again(tiles) {
    for (const [tile, coords] of tiles) {
      this.failed.delete(tile);
      if (!tile.isConnected || !this.layer) continue;
      this.asked.add(tile);
      tile.src = this.layer.getTileUrl(coords);
    }
  }

  /** @param {boolean} working @param {string} why */
  #say(working, why) {
    if (this.working === working) return;
    this.working = working;
    this.told(working, why);
  }

  #clear() {
    this.layer?.remove();
    this.layer = null;
    this.failed.clear();
    clearTimeout(this.timer);
    this.timer = this.inRow = 0;
    this.wait = SOON_MS;
    this.working = null;
  }
}
