// What the admin's pages do in the browser: copy, times in the viewer's zone, the sidebar, the search key.
// Every page works without it. It is read in the head, so that a folded sidebar does not flash.
"use strict";
(function () {
  const root = document.documentElement;
  // In the viewer's language, on the element that loads this.
  const WORDS = document.currentScript.dataset;
  const FOLDED = "latchkey.nav";
  root.dataset.script = "on";

  function remembered() {
    try {
      return window.localStorage.getItem(FOLDED);
    } catch (refused) {
      return null;
    }
  }
  if (remembered() === "folded") {
    root.dataset.nav = "folded";
  }

  function fold() {
    const folded = root.dataset.nav === "folded";
    root.dataset.nav = folded ? "open" : "folded";
    try {
      window.localStorage.setItem(FOLDED, root.dataset.nav);
    } catch (refused) { /* remembered for this page only */ }
  }

  async function copy(button) {
    const text = button.dataset.copyText;
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch (refused) {
      // Plain http has no clipboard. The field stands beside the button: inside a dialog all else is out of reach.
      const field = document.createElement("textarea");
      field.value = text;
      field.className = "off-screen";
      button.after(field);
      field.select();
      done = document.execCommand("copy");
      field.remove();
      button.focus();
    }
    tell(button, done ? WORDS.copied : WORDS.select);
  }

  function tell(button, words) {
    if (!button.dataset.label) {
      button.dataset.label = button.textContent;
    }
    button.textContent = words;
    button.classList.add("copied");
    say(words);
    window.clearTimeout(Number(button.dataset.timer));
    button.dataset.timer = window.setTimeout(function () {
      button.textContent = button.dataset.label;
      button.classList.remove("copied");
    }, 1600);
  }

  function say(words) {
    let place = document.getElementById("portal-said");
    if (!place) {
      place = document.createElement("div");
      place.id = "portal-said";
      place.className = "visually-hidden";
      place.setAttribute("role", "status");
      document.body.append(place);
    }
    place.textContent = words;
  }

  const STEPS = [[60, "second"], [3600, "minute"], [86400, "hour"], [86400 * 45, "day"], [86400 * 548, "month"], [Infinity, "year"]];
  const SIZES = { second: 1, minute: 60, hour: 3600, day: 86400, month: 86400 * 30.44, year: 86400 * 365.25 };
  const language = navigator.language || "en";
  const short = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  const distance = new Intl.RelativeTimeFormat(root.lang || "en", { numeric: "auto" });

  function away(at) {
    const seconds = (at - Date.now()) / 1000;
    const unit = STEPS.find(function (step) { return Math.abs(seconds) < step[0]; })[1];
    return distance.format(Math.round(seconds / SIZES[unit]), unit);
  }

  function localise(time) {
    const at = new Date(time.dateTime);
    if (time.dataset.done || Number.isNaN(at.valueOf())) {
      return;
    }
    time.dataset.done = "yes";
    const here = ("seconds" in time.dataset ? exact : short).format(at);
    time.textContent = "relative" in time.dataset ? away(at) : here;
    time.title = time.title + "\n" + ("relative" in time.dataset ? here : away(at));
  }

  function localiseIn(place) {
    place.querySelectorAll("time[datetime]").forEach(localise);
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("button[data-copy-text]");
    if (button) {
      copy(button);
    } else if (event.target.closest("[data-fold]")) {
      fold();
    }
  });

  document.addEventListener("keydown", function (event) {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const find = document.getElementById("portal-find") || document.getElementById("searchbar");
    if (find) {
      event.preventDefault();
      find.focus();
      find.select();
    }
  });

  document.addEventListener("DOMContentLoaded", function () {
    localiseIn(document);
    // A link that sets a password has its secret behind the #: it is put into the form and taken out of the address.
    const link = document.getElementById("id_link");
    if (link && window.location.hash.startsWith("#lk_pl_")) {
      link.value = window.location.hash.slice(1);
      link.closest(".form-row").hidden = true;
      window.history.replaceState(null, "", window.location.pathname);
    }
    // Dialogs are filled later.
    new MutationObserver(function (changes) {
      changes.forEach(function (change) {
        change.addedNodes.forEach(function (node) {
          if (node.nodeType === Node.ELEMENT_NODE) {
            localiseIn(node);
          }
        });
      });
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
