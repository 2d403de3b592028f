// Where the events are: a column beside the map where the map keeps two thirds of the window, else a rail that says how
// many wait; where not even a rail fits, the third tab.

import { $, h, icon, text } from "../parts/dom.js";
import { say } from "../words/words.js";

const ROOMY = "(min-width: 1600px)";
const TIGHT = "(max-width: 1179px)";

export class EventsPane {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.roomy = matchMedia(ROOMY);
    this.tight = matchMedia(TIGHT);
    this.count = h("span", { class: "badge", hidden: true });
    this.rail = h(
      "button",
      {
        type: "button",
        class: "rail",
        id: "events-rail",
        "aria-label": say("page.events"),
        title: say("rail.title"),
        "aria-controls": "events",
        "aria-expanded": "false",
        onclick: () => {
          this.show(true);
          $("#event-list").focus();
        },
      },
      icon("bell"),
      this.count,
      h("span", { class: "rail-word", "aria-hidden": "true" }, say("page.events")),
    );
    $("#events").after(this.rail);
    this.open = false;
    // What a wide window was told stays; a narrow one begins with the rail each time it becomes one.
    const settle = () => this.#set(this.roomy.matches && app.preferences.value.events);
    this.roomy.addEventListener("change", settle);
    settle();
  }

  /** @param {boolean} open */
  show(open) {
    if (this.tight.matches) return void this.app.state.set({ tab: open ? "events" : "vehicles" });
    if (this.roomy.matches) this.app.preferences.set({ events: open });
    this.#set(open);
  }

  /** @param {boolean} open */
  #set(open) {
    this.open = open;
    $("#frame").dataset.events = open ? "open" : "closed";
    document.body.dataset.events = open ? "open" : "closed";
    this.rail.setAttribute("aria-expanded", String(open));
  }

  /** @param {number} unread */
  tell(unread) {
    this.count.hidden = unread === 0;
    text(this.count, unread > 99 ? "99+" : String(unread));
    this.rail.setAttribute("aria-label", unread ? say("rail.unread", { n: unread }) : say("page.events"));
  }
}
