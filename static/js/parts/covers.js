// What lies over the side column: a vehicle, a region, the card. What is covered keeps no tab stop and is not read out;
// the focus goes in when something opens, and back to where it came from when that closes.

/** @type {WeakMap<Element, Element|null>} who had the focus before it opened */
export const openers = new WeakMap();

/** @param {Element|null|undefined} node @returns {node is HTMLElement} can it take the focus? */
export const usable = (node) =>
  node instanceof HTMLElement &&
  node !== document.body &&
  node.isConnected &&
  node.checkVisibility() &&
  !node.closest("[inert]");

/**
 * @param {HTMLElement} side
 * @param {(opener: Element|null|undefined) => Element|null} home where the focus goes when its place is gone
 */
export function covers(side, home) {
  /** @type {Element|null} */ let top = null;
  let begun = false;
  const settle = () => {
    const now =
      [...side.children]
        .filter((child) => child.matches(".detail, .region-card") && !(/** @type {HTMLElement} */ (child).hidden))
        .pop() ?? null;
    const before = top;
    for (const child of side.children) {
      /** @type {HTMLElement} */ (child).inert = now !== null && child !== now && !child.matches(".sheet-grip");
    }
    if (now === before) return;
    const at = document.activeElement;
    const opener = before && openers.get(before);
    top = now;
    if (before && (!before.isConnected || /** @type {HTMLElement} */ (before).hidden)) {
      openers.delete(before);
      if (now && !openers.has(now)) openers.set(now, opener ?? null);
      // Somebody who has gone elsewhere meanwhile stays there.
      if (usable(at) && !side.contains(at)) return;
      if (usable(opener)) return opener.focus({ preventScroll: true });
      if (!now) return /** @type {HTMLElement|null} */ (home(opener))?.focus({ preventScroll: true });
      // keys that follow are meant as keys
    } else if (now && !openers.has(now)) openers.set(now, at?.matches("input, textarea") ? null : at);
    if (begun && now && !now.contains(at))
      /** @type {HTMLElement|null} */ (now.querySelector("h2"))?.focus({ preventScroll: true });
  };
  new MutationObserver(settle).observe(side, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["hidden"],
  });
  settle();
  requestAnimationFrame(() => (begun = true)); // what a link opens does not take the focus
}
