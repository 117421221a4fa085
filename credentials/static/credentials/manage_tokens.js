// Manage tokens: the page of that name in a dialog. Without this script the same address is a page of its own.
"use strict";
(function () {
  const MARK = "X-Manage-Tokens";
  // In the viewer's language, on the element that loads portal.js.
  const WORDS = document.querySelector("script[data-copied]").dataset;

  function part(element) {
    return element.closest("[data-manage-tokens]");
  }

  async function copy(text, beside) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (refused) {
      // Plain http has no clipboard. The field must stand inside the dialog: all else is out of reach while it is open.
      const field = document.createElement("textarea");
      field.value = text;
      field.className = "visually-hidden";
      beside.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      return done;
    }
  }

  async function copyValue(value) {
    const told = value.parentElement.querySelector("[data-copied]");
    const done = await copy(value.textContent, value.parentElement);
    told.textContent = done ? told.dataset.copied : told.dataset.blocked;
  }

  function enhance(place) {
    place.querySelectorAll("[data-copy]").forEach(function (button) {
      button.hidden = false;
    });
    const now = place.querySelector("[data-copy-now]");
    if (now) {
      now.removeAttribute("data-copy-now");
      copyValue(now);
    }
  }

  // Fill `place` with the answer. An answer without the mark is a page: of the login, or of an error.
  async function fill(place, address, sent) {
    const answer = await fetch(address, {
      method: sent ? "POST" : "GET",
      body: sent,
      credentials: "same-origin",
      cache: "no-store",
      headers: { [MARK]: "part" },
    });
    if (!answer.headers.has(MARK)) {
      if (answer.redirected) {
        window.location.assign(address);
      } else {
        place.querySelectorAll(".manage-tokens-refused").forEach(function (old) { old.remove(); });
        const told = document.createElement("p");
        told.className = "manage-tokens-refused";
        told.setAttribute("role", "alert");
        told.textContent = answer.status === 403 ? WORDS.forbidden : WORDS.failed + " (" + answer.status + ")";
        place.append(told);
      }
      return;
    }
    place.innerHTML = await answer.text();
    enhance(place);
    const focus = place.querySelector("[data-focus]") || place.querySelector("h1");
    if (focus) {
      focus.focus();
    }
  }

  function openDialog(address) {
    const dialog = document.createElement("dialog");
    dialog.className = "manage-tokens-dialog";
    dialog.setAttribute("aria-labelledby", "manage-tokens-title");
    const close = document.createElement("button");
    close.type = "button";
    close.className = "manage-tokens-close";
    close.setAttribute("aria-label", WORDS.close);
    close.textContent = "\u00d7";
    close.addEventListener("click", function () { dialog.close(); });
    const place = document.createElement("div");
    place.dataset.place = "";
    dialog.append(close, place);
    dialog.addEventListener("close", function () {
      const changed = dialog.dataset.changed;
      dialog.remove();
      if (changed) {
        window.location.reload();
      }
    });
    document.body.append(dialog);
    dialog.showModal();
    fill(place, address, null).catch(function () { window.location.assign(address); });
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    if (button) {
      copyValue(document.getElementById(button.dataset.copy));
      return;
    }
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    const opener = event.target.closest("a[data-dialog]");
    if (opener && plain && window.HTMLDialogElement) {
      event.preventDefault();
      openDialog(opener.href);
      return;
    }
    const refresh = event.target.closest("a[data-refresh]");
    if (refresh && plain && part(refresh)) {
      event.preventDefault();
      fill(part(refresh).parentElement, refresh.href, null);
    }
  });

  document.addEventListener("submit", function (event) {
    const section = part(event.target);
    if (!section) {
      return;
    }
    event.preventDefault();
    const sent = new FormData(event.target);
    if (event.submitter && event.submitter.name) {
      sent.append(event.submitter.name, event.submitter.value);
    }
    const dialog = section.closest("dialog");
    if (dialog) {
      dialog.dataset.changed = "yes";
    }
    fill(section.parentElement, section.dataset.manageTokens, sent);
  });

  document.addEventListener("DOMContentLoaded", function () { enhance(document); });
})();
