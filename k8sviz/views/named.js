/*
 * JupyterLab puts pictures on the page without their alternative texts, its sliders without names, and what is too wide
 * where no key reaches it. Where a view of ours is on such a page, each gets the words that it carries itself: a
 * drawing those of its aria-label and desc, a slider the label beside it; and what scrolls can be reached. Elsewhere this does nothing.
 */

/** What a drawing calls itself, and all that it says. @param {string} source */
function wordsOfSvg(source) {
  const root = new DOMParser().parseFromString(decodeURIComponent(source), "image/svg+xml").documentElement;
  return [root.getAttribute("aria-label"), root.querySelector(":scope > desc")?.textContent];
}

const DRAWN = "data:image/svg+xml,";

/** Name what has no name yet, and let keys scroll what scrolls. @param {WeakSet<Element>} looked */
function nameAll(looked) {
  for (const picture of document.querySelectorAll(".jp-OutputArea-output img:not([alt])")) {
    if (!(picture instanceof HTMLImageElement) || !picture.src.startsWith(DRAWN) || looked.has(picture)) continue;
    looked.add(picture);
    const [name, more] = wordsOfSvg(picture.src.slice(DRAWN.length));
    if (name) picture.alt = name;
    if (more) picture.setAttribute("aria-description", more);
  }
  for (const slider of document.querySelectorAll(".widget-slider [role=slider]:not([aria-label])")) {
    const label = slider.closest(".widget-slider")?.querySelector(".widget-label")?.textContent;
    if (label) slider.setAttribute("aria-label", label);
  }
  for (const output of document.querySelectorAll(":is(.jp-OutputArea-output, .jp-RenderedMarkdown):not([tabindex])")) {
    if (output instanceof HTMLElement && output.scrollWidth > output.clientWidth + 1) output.tabIndex = 0;
  }
}

/** Once a page, whichever view comes first. */
function keepNamed() {
  const page = /** @type {Window & {k8svizNames?: MutationObserver}} */ (window);
  if (document.body?.dataset.jpThemeLight === undefined || page.k8svizNames) return;
  const looked = new WeakSet();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  const again = () => {
    clearTimeout(soon);
    soon = setTimeout(nameAll, 100, looked);
  };
  page.k8svizNames = new MutationObserver(again);
  page.k8svizNames.observe(document.body, { childList: true, subtree: true });
  addEventListener("resize", again);
  again();
}
keepNamed();
export {};
