// The picture of a policy's lifetimes follows what is typed: the server draws it, as its Preview button does.
"use strict";
(function () {
  const WAIT = 350;
  let timer = 0;
  let asked = 0;

  async function draw(form, button) {
    const mine = ++asked;
    const typed = new FormData(form);
    typed.set("preview", "1");
    const answer = await fetch(window.location.href, { method: "POST", body: typed, credentials: "same-origin" });
    const drawn = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(button.dataset.preview);
    const shown = document.getElementById(button.dataset.preview);
    if (drawn && shown && mine === asked) {
      shown.replaceWith(document.adoptNode(drawn));
    }
  }

  document.addEventListener("input", function (event) {
    const form = event.target.closest("form");
    const button = form && form.querySelector("button[data-preview]");
    if (button) {
      window.clearTimeout(timer);
      timer = window.setTimeout(function () { draw(form, button).catch(function () { /* the button still works */ }); }, WAIT);
    }
  });
})();
