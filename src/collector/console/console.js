// Makes reading easier: moments in the viewer's zone, boxes ticked at once, what is under way looked at again.
// Every page is whole without it.
"use strict";
const zoned = (root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (time.dateTime.length > 10 && !Number.isNaN(at.getTime())) {
      time.title = time.textContent;
      time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    }
  }
};
zoned(document);
for (const all of document.querySelectorAll("input[data-all]")) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const one of all.closest("form").querySelectorAll(`input[name="${all.dataset.all}"]`)) {
      one.checked = all.checked;
    }
  });
}
for (const button of document.querySelectorAll("button[data-ask]")) {
  button.addEventListener("click", (event) => {
    if (!window.confirm(button.dataset.ask)) {
      event.preventDefault();
    }
  });
}
const again = async () => {
  const live = document.querySelector("[data-live]");
  if (!live) {
    return;
  }
  const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (answer && answer.ok && !answer.redirected) {
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(live.id);
    if (next) {
      zoned(next);
      live.replaceWith(next);
    } else {
      // What was under way has ended.
      live.removeAttribute("data-live");
      live.textContent = live.dataset.ended;
      return;
    }
  }
  setTimeout(again, 2000);
};
setTimeout(again, 2000);
