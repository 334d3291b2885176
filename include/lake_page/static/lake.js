// What the page does beyond being read: it follows runs, speaks Airflow's time zone, and leaves its frame.
"use strict";

// Moments in the time zone that is chosen in Airflow's UI; without one, in the reader's own.
const zone = () => {
  try {
    return JSON.parse(localStorage.getItem("timezone")) || undefined;
  } catch {
    return undefined;
  }
};

const localTimes = (root) => {
  const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  let format;
  try {
    format = new Intl.DateTimeFormat("sv-SE", { ...parts, timeZone: zone() });
  } catch {
    format = new Intl.DateTimeFormat("sv-SE", parts);
  }
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      time.title = time.dateTime;
      time.textContent = format.format(moment);
    }
  }
};

// Bring `old` to the state of `fresh`, element by element: what has not changed keeps focus, and a bar moves.
const morph = (old, fresh) => {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const keyed = new Map([...old.children].filter((each) => each.dataset?.key).map((each) => [each.dataset.key, each]));
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const kept = next.dataset?.key ? keyed.get(next.dataset.key) : place;
    const alike = kept && kept.nodeType === next.nodeType && kept.nodeName === next.nodeName && kept.dataset?.key === next.dataset?.key;
    if (!alike) {
      old.insertBefore(next, place);
      continue;
    }
    if (kept === place) place = place.nextSibling;
    else old.insertBefore(kept, place);
    if (kept.nodeType === Node.ELEMENT_NODE) morph(kept, next);
    else if (kept.nodeValue !== next.nodeValue) kept.nodeValue = next.nodeValue;
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
};

const follow = async () => {
  const main = document.querySelector("main");
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (fresh && (answer.ok || answer.status === 401)) {
        localTimes(fresh);
        morph(main, fresh);
      }
      delete main.dataset.stale;
    } catch {
      main.dataset.stale = "true"; // the server does not answer: what is shown is older than it looks
    }
  }
  const seconds = Number(main.dataset.live);
  if (seconds) setTimeout(follow, seconds * 1000);
};

// Links into Airflow belong into the window around this frame. The frame's sandbox lets no link through, but its
// origin is Airflow's own, so the outer document follows the link itself.
const leave = (event) => {
  const link = event.target.closest?.("a[data-airflow]");
  if (!link || window.parent === window) return;
  const outer = window.parent.document.createElement("a");
  outer.href = link.href;
  if (event.ctrlKey || event.metaKey || event.button === 1) outer.target = "_blank";
  event.preventDefault();
  window.parent.document.body.append(outer);
  outer.click();
  outer.remove();
};

localTimes(document);
document.addEventListener("click", leave);
document.addEventListener("auxclick", leave);
const live = Number(document.querySelector("main").dataset.live);
if (live) setTimeout(follow, live * 1000);
