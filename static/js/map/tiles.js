// The tile layer, which fails like the weather: what does not come leaves the built-in map in view and is asked for
// again, ever more rarely, one tile at a time; when that one comes, all the others are asked for too. Where the tiles
// end at a zoom that nobody said, those of the deepest are enlarged.

import { Signal } from "../model/signal.js";
import { foreign, say } from "../words/words.js";

const SOON_MS = 2000;
const LATEST_MS = 60_000;
const PATIENCE_MS = 5000; // for an answer of a zoom above
const ABOVE = 8; // zooms that are asked
const SPELL = 3; // so many in a row, and one of them asked again in vain: no tiles come here now

/**
 * @typedef {{url: string|null, attribution: string, max_zoom?: number, reachable: boolean, why?: string|null}}
 *   TileSource
 */

export class Tiles {
  /** @param {L.Map} map @param {() => Promise<TileSource|null>} ask the server, whether they can be had now */
  constructor(map, ask) {
    this.map = map;
    /** @type {Signal<[working: boolean, why: string]>} tiles come, or stay away */ this.told = new Signal();
    this.ask = ask;
    /** @type {TileSource|null} */ this.source = null;
    /** @type {L.TileLayer|null} */ this.layer = null;
    /** @type {Map<HTMLImageElement, any>} */ this.failed = new Map();
    /** @type {WeakSet<HTMLImageElement>} */ this.asked = new WeakSet();
    this.timer = this.inRow = 0;
    this.wait = SOON_MS;
    this.deepest = 0; // zoom of a tile that came
    this.probing = false;
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
      this.#say(false, foreign(source.why ?? "", say("tiles.silent")));
      return this.#later();
    }
    const sharp = devicePixelRatio > 1 ? "@2x" : "";
    const layer = L.tileLayer(
      source.url,
      /** @type {any} */ ({
        attribution: source.attribution,
        maxZoom: 19,
        maxNativeZoom: source.max_zoom ?? 19,
        className: "tiles",
        r: sharp,
      }),
    );
    this.layer = layer;
    layer.on("tileload", ({ tile, coords }) => {
      this.deepest = Math.max(this.deepest, coords.z);
      this.#came(tile);
    });
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
    if (this.asked.delete(tile) && this.inRow >= SPELL) void this.#away(coords);
    this.#later();
  }

  /**
   * Tiles of a zoom stay away. When none of it ever came, one above it answers now and the one below that does not, it
   * is no outage: the tiles end there.
   * @param {any} coords of one that stays away
   */
  async #away(coords) {
    const { layer } = this;
    if (!layer || this.probing) return;
    this.probing = true;
    let zoom = coords.z - 1;
    let above = this.deepest < coords.z ? await this.#answers(coords, zoom) : null;
    while (above === false && zoom > coords.z - ABOVE && zoom > 0) above = await this.#answers(coords, --zoom);
    const ends = above === true && (await this.#answers(coords, zoom + 1)) === false;
    this.probing = false;
    if (layer !== this.layer || this.inRow < SPELL) return;
    if (!ends || this.deepest > zoom) return this.#say(false, say("tiles.none"));
    layer.options.maxNativeZoom = zoom;
    this.failed.clear();
    this.inRow = 0;
    layer.redraw();
  }

  /**
   * Is there a tile over this one at that zoom? Not from a cache, which answers in an outage too; null: no answer in
   * time.
   * @param {any} coords
   * @param {number} zoom
   * @returns {Promise<boolean|null>}
   */
  #answers({ x, y, z }, zoom) {
    const n = 2 ** zoom;
    const by = 2 ** (z - zoom);
    const row = Math.floor(y / by);
    const options = /** @type {any} */ (this.layer?.options ?? {});
    const path = L.Util.template(this.source?.url ?? "", {
      ...options,
      s: options.subdomains?.[0],
      z: zoom,
      x: ((Math.floor(x / by) % n) + n) % n,
      y: row,
      "-y": n - 1 - row,
    });
    return new Promise((done) => {
      const image = new Image();
      image.onload = () => done(true);
      image.onerror = () => done(false);
      setTimeout(() => done(null), PATIENCE_MS);
      image.src = `${path}${path.includes("?") ? "&" : "?"}now=${Date.now()}`;
    });
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
    this.told.tell(working, why);
  }

  #clear() {
    this.layer?.remove();
    this.layer = null;
    this.failed.clear();
    clearTimeout(this.timer);
    this.timer = this.inRow = this.deepest = 0;
    this.wait = SOON_MS;
    this.working = null;
  }
}
