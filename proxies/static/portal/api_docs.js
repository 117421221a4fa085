// What Swagger UI leaves to be done: its dark look follows a class, not the system's wish; links stand inside of
// buttons, where a keyboard and a screen reader trip over them (a click and an address with #/ work all the same); and
// its fields have no names, and no key scrolls its examples.
"use strict";
{
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();

  const mend = () => {
    for (const link of document.querySelectorAll(".opblock-summary-control a[href]")) {
      link.removeAttribute("href");
    }
    for (const field of document.querySelectorAll(".swagger-ui :is(select, textarea):not([aria-label])")) {
      const row = field.closest("tr[data-param-name]");
      field.setAttribute("aria-label", row ? row.dataset.paramName : field.tagName === "SELECT" ? "Choose" : "Body");
    }
    for (const text of document.querySelectorAll(".swagger-ui pre.microlight:not([tabindex])")) {
      text.tabIndex = 0; // it scrolls
    }
  };
  let waiting = false;
  const soon = () => {
    if (!waiting) {
      waiting = true;
      window.requestAnimationFrame(() => {
        waiting = false;
        mend();
      });
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(soon).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });
  });
}
