// Whether the channel has caught up with what happened, and what that brought. Pure.

export class Resume {
  everLive = false;
  catchingUp = false;
  #events = -1; // counted between the first message after a loss and the first quiet update; -1: nothing to count

  /** @param {string} phase of the connection */
  now(phase) {
    if (phase === "live") this.everLive = true;
    if (phase === "waiting" && this.everLive) this.catchingUp = true;
  }

  /** Something else is asked for from now on. @param {string} phase of the connection */
  asked(phase) {
    if (phase === "live") this.catchingUp = true;
  }

  /**
   * Of a message of the channel: how many events a resume brought, told once it is over.
   * @param {any} message
   * @returns {number|null}
   */
  read(message) {
    const { op } = message;
    if (op === "snapshot" && (message.part ?? 1) >= (message.parts ?? 1)) this.catchingUp = false;
    if (op === "welcome" && this.everLive) this.#events = 0;
    if (this.#events < 0 || (op !== "update" && op !== "snapshot")) return null;
    this.#events += message.events?.length ?? 0;
    if (op === "snapshot") return null;
    const brought = this.catchingUp ? null : this.#events;
    if (brought !== null) this.#events = -1;
    this.catchingUp = false;
    return brought;
  }
}
