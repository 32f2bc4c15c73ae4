"use strict";
// Pages work without this script. It keeps times and panels up to date, and copies texts.

const SECONDS = 10;
const main = document.getElementById("main");
const state = document.getElementById("live");
let etag = main.dataset.etag;
let updated = Date.now();
let trouble = "";
let news = 0;
let newest = null;

const units = [[172800, 86400, "d"], [3600, 3600, "h"], [60, 60, "m"], [0, 1, "s"]];

function age(seconds) {
  const [, size, unit] = units.find(([least]) => Math.abs(seconds) >= least);
  const text = `${Math.floor(Math.abs(seconds) / size).toLocaleString("en")} ${unit}`;
  return seconds < -1 ? `in ${text}` : `${text} ago`;
}

function isSelected(element) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}

function showAges() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    if (isSelected(time)) continue;
    time.textContent = age((Date.now() - Date.parse(time.dateTime)) / 1000);
  }
  if (!etag) return;
  state.hidden = false;
  state.classList.toggle("trouble", Boolean(trouble));
  state.textContent = trouble || `live · updated ${age((Date.now() - updated) / 1000)}`;
  if (news) {
    const link = document.createElement("a");
    link.href = location.href;
    link.className = "link";
    link.textContent = `${news} new`;
    link.addEventListener("click", showNews);
    state.append(" · ", link);
  }
}

// A person asked for the new rows, so the table may move.
function showNews(event) {
  event.preventDefault();
  document.getElementById(newest.id).replaceWith(document.importNode(newest, true));
  news = 0;
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
  showAges();
}

// What a person reads, has opened, or points at stays as it is.
function isInUse(element) {
  return element.contains(document.activeElement) || element.matches(":hover") ||
    element.querySelector("details[open]") || isSelected(element);
}

function replace(old, fresh) {
  if (fresh && !isInUse(old)) old.replaceWith(document.importNode(fresh, true));
}

// The part that a person reads: one that is in use, or the first that is on the screen.
function reading() {
  const parts = [...document.querySelectorAll('[data-live]:not([data-live="rows"]), tr[id]')];
  const seen = parts.filter((part) => part.getBoundingClientRect().bottom > 0);
  return seen.find(isInUse) || (scrollY > 0 ? seen[0] : null);
}

function placeOf(id) {
  const part = document.getElementById(id);
  return part ? part.getBoundingClientRect().top : null;
}

function show(page) {
  const part = reading();
  const before = part && placeOf(part.id);
  update(page);
  showCopyButtons();
  // What has grown above it has moved it.
  const after = part && placeOf(part.id);
  if (after !== null) scrollBy(0, after - before);
}

function update(page) {
  for (const panel of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(panel.id);
    if (panel.dataset.live !== "rows" || !panel.querySelector("tr[id]")) {
      replace(panel, fresh);
    } else if (fresh) {
      // Rows change where they stand; new ones are only counted, or every row would move.
      const known = new Set();
      for (const row of panel.querySelectorAll("tr[id]")) {
        known.add(row.id);
        replace(row, page.getElementById(row.id));
      }
      const rows = [...fresh.querySelectorAll("tr[id]")];
      const first = rows.findIndex((row) => known.has(row.id));
      news = first < 0 ? rows.length : first;
      newest = fresh;
    }
  }
}

async function refresh() {
  if (document.hidden || !etag) return;
  try {
    const response = await fetch(location.href, {
      cache: "no-store", headers: { Accept: "text/html", "If-None-Match": `W/"${etag}"` },
    });
    if (response.redirected) {
      trouble = "signed out";
      return;
    }
    if (response.status === 200) {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      etag = page.getElementById("main").dataset.etag;
      show(page);
    }
    const isFine = response.ok || response.status === 304;
    trouble = isFine ? "" : `not live: status ${response.status}`;
    if (isFine) updated = Date.now();
  } catch {
    trouble = "not live: no connection";
  } finally {
    showAges();
  }
}

function showCopyButtons() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.onclick = async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    };
  }
}

showCopyButtons();
showAges();
setInterval(showAges, 1000);
setInterval(refresh, SECONDS * 1000);
document.addEventListener("visibilitychange", refresh);
