// One tab stop for a list, whatever its rows hold: up and down go from row to row, left and right within one.

const STOPS = "button, a[href], input, summary, select";

/**
 * @param {HTMLElement} list itself the stop when its tabIndex is 0
 * @param {string} rows selector
 * @param {{pick?: boolean}} [how] `pick`: arrows choose, as among radio buttons
 */
export function oneStop(list, rows, { pick = false } = {}) {
  const owns = list.tabIndex === 0;
  /** @type {{key: string, row: number, index: number}|null} where the focus is */ let at = null;
  const all = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll(rows)]);
  const stops = (/** @type {Element|undefined} */ row) =>
    row
      ? /** @type {HTMLElement[]} */ ([...(row.matches(STOPS) ? [row] : []), ...row.querySelectorAll(STOPS)]).filter(
          (node) => !node.closest("[hidden]") || list.closest("[hidden]"),
        )
      : [];
  const key = (/** @type {HTMLElement} */ row) => row.dataset.key ?? row.dataset.region ?? "";
  const settle = () => {
    const found = all();
    // Rows made anew keep the focus where it was.
    if (at && document.activeElement === document.body) {
      const { key: wanted, row, index } = at;
      const again = found.find((one) => wanted && key(one) === wanted) ?? found[Math.min(row, found.length - 1)];
      (stops(again)[Math.min(index, stops(again).length - 1)] ?? list).focus({ preventScroll: true });
    }
    const focused = document.activeElement;
    const first = owns
      ? null
      : (found
          .flatMap((row) => stops(row))
          .find((node) => node === focused || node.getAttribute("aria-checked") === "true") ?? stops(found[0])[0]);
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(STOPS)))
      node.tabIndex = node === first ? 0 : -1;
  };
  list.addEventListener("focusin", (e) => {
    const row = all().find((one) => one.contains(/** @type {Node} */ (e.target)));
    at = row
      ? { key: key(row), row: all().indexOf(row), index: stops(row).indexOf(/** @type {HTMLElement} */ (e.target)) }
      : null;
    if (row && !owns) settle();
  });
  list.addEventListener("focusout", (e) => {
    const target = /** @type {Node} */ (e.target);
    queueMicrotask(() => {
      if (target.isConnected && !list.contains(document.activeElement)) at = null;
    });
  });
  list.addEventListener("keydown", (e) => {
    if (
      e.altKey ||
      e.ctrlKey ||
      e.metaKey ||
      e.defaultPrevented ||
      /** @type {Element} */ (e.target).matches("input:not([type=checkbox]), select")
    )
      return;
    const found = all();
    if (owns && e.target === list) {
      const row = found.find((one) => one.classList.contains("current")) ?? found[0];
      if (e.key === "ArrowRight" && row) stops(row)[0]?.focus();
      return;
    }
    const row = found.findIndex((one) => one.contains(/** @type {Node} */ (e.target)));
    const here = stops(found[row]);
    const index = here.indexOf(/** @type {HTMLElement} */ (e.target));
    /** @type {HTMLElement|undefined} */ let next;
    const flat = pick && here.length === 1;
    const step = { ArrowDown: 1, ArrowUp: -1, ...(flat ? { ArrowRight: 1, ArrowLeft: -1 } : {}) }[e.key];
    if (step)
      for (let i = row + step; i >= 0 && i < found.length && !next; i += step)
        next = stops(found[i])[Math.min(index, stops(found[i]).length - 1)];
    else if (e.key === "ArrowRight") next = here[index + 1];
    else if (e.key === "ArrowLeft") next = here[index - 1] ?? (owns ? list : undefined);
    else if (e.key === "Home") next = stops(found[0])[0];
    else if (e.key === "End") next = stops(found[found.length - 1])[0];
    else return;
    e.preventDefault();
    e.stopPropagation();
    next?.focus();
    if (pick) next?.click();
  });
  new MutationObserver(settle).observe(list, { childList: true, subtree: true });
  settle();
}
