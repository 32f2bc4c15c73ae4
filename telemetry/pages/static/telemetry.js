"use strict";
// Pages work without this script. It keeps times and panels up to date, and copies texts.
//
// The page is asked for again every SECONDS, and each panel that changed is replaced. A panel that
// a person uses keeps its content until it is free, and what would move others is only offered.

const SECONDS = 10;
const MOST_DOUBLINGS = 5;
const main = document.getElementById("main");
const state = document.getElementById("live");
const words = document.createTextNode("");
const link = document.createElement("a");

let etag = main.dataset.etag;
let page = null; // the newest page that was received
let received = Date.now();
let updated = received; // since when nothing on the screen is older than that page
let isWaiting = false; // whether a part in use is older
let offered = []; // parts that would move others
let news = "";
let due = received + SECONDS * 1000;
let isAsking = false;
let failures = 0;
let trouble = "";

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
  const mode = trouble || (isWaiting ? "in use" : "live");
  words.data = `${mode} · updated ${age((Date.now() - updated) / 1000)}${news ? " · " : ""}`;
  state.hidden = false;
  state.classList.toggle("trouble", Boolean(trouble));
  state.title = isWaiting ? "What you use is brought up to date when you leave it." : "";
  link.textContent = news;
  link.hidden = !news;
}

// A person asked for what is new, so the page may move.
function showNews(event) {
  event.preventDefault();
  for (const fresh of [...offered, page.querySelector("nav.pages")]) {
    const old = fresh && (document.getElementById(fresh.id) || document.querySelector("nav.pages"));
    if (old) old.replaceWith(document.importNode(fresh, true));
  }
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
  show();
}

// What a person reads, has opened, or points at. A finger that touched a panel still hovers.
function isInUse(element) {
  return element.contains(document.activeElement) || isSelected(element) ||
    (matchMedia("(hover: hover)").matches && element.matches(":hover")) ||
    element.querySelector("details[open]");
}

// What the service sent, without what this script and the person have changed since.
function asSent(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time[data-ago]")) time.textContent = "";
  for (const details of copy.querySelectorAll("details")) details.open = false;
  for (const button of copy.querySelectorAll("[data-copy]")) button.remove();
  return copy;
}

// Returns whether the part is up to date afterwards.
function replace(old, fresh) {
  if (asSent(old).isEqualNode(asSent(fresh))) return true;
  if (isInUse(old)) return false;
  const scrolled = [...old.querySelectorAll(".scroll")].map((it) => it.scrollLeft);
  const added = document.importNode(fresh, true);
  old.replaceWith(added);
  added.querySelectorAll(".scroll").forEach((it, place) => { it.scrollLeft = scrolled[place] || 0; });
  return true;
}

function topOf(part) {
  return part.getBoundingClientRect().top;
}

function partsOnScreen() {
  const parts = [...document.querySelectorAll('[data-live]:not([data-live="rows"]), tr[id]')];
  return parts.filter((part) => {
    const { top, bottom, height } = part.getBoundingClientRect();
    return height > 0 && bottom > 0 && top < innerHeight;
  });
}

// Adds a panel, unless that moves what a person reads: what is in use, or, after a scroll, some of
// what is on the screen. When all of it moves, show() scrolls after it.
function appear(old, fresh) {
  const seen = partsOnScreen().filter((part) => scrollY > 0 || isInUse(part));
  const tops = seen.map(topOf);
  const added = document.importNode(fresh, true);
  old.replaceWith(added);
  const moves = new Set(seen.map((part, place) => Math.round(topOf(part) - tops[place])));
  if (moves.size > 1 || (scrollY === 0 && moves.size > 0 && !moves.has(0))) {
    added.replaceWith(old);
    offered.push(fresh);
  }
}

// Rows change where they stand; new ones are only counted, or every row would move.
function updateRows(panel, fresh) {
  const known = new Set();
  let isCurrent = true;
  for (const row of panel.querySelectorAll("tr[id]")) {
    known.add(row.id);
    const its = page.getElementById(row.id);
    if (its) isCurrent = replace(row, its) && isCurrent;
    else markGone(row);
  }
  const rows = [...fresh.querySelectorAll("tr[id]")];
  const last = rows.findLastIndex((row) => known.has(row.id));
  const before = last < 0 ? rows : rows.slice(0, last);
  const count = before.filter((row) => !known.has(row.id)).length;
  const isMore = last < 0 && page.querySelector('a[rel="next"]');
  news = count ? `${count}${isMore ? " or more" : ""} new` : "";
  if (count) offered.push(fresh);
  return isCurrent;
}

function markGone(row) {
  if (row.querySelector(".gone")) return;
  const note = document.createElement("span");
  note.className = "gone quiet small";
  note.textContent = "no longer on this page";
  row.cells[0].append(document.createElement("br"), note);
}

function show() {
  const seen = partsOnScreen();
  // The part that a person reads: one in use, or the first whose beginning is on the screen.
  const read = seen.find(isInUse) || (scrollY > 0 && (seen.find((it) => topOf(it) >= 0) || seen[0]));
  const before = read && topOf(read);
  offered = [];
  news = "";
  isWaiting = false;
  for (const panel of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(panel.id);
    if (panel.dataset.live === "rows" && panel.querySelector("tr[id]")) {
      isWaiting = !updateRows(panel, fresh) || isWaiting;
    } else if (!panel.children.length && fresh.children.length) {
      appear(panel, fresh);
    } else {
      isWaiting = !replace(panel, fresh) || isWaiting;
    }
  }
  if (offered.length && !news) news = `${offered.length} new`;
  if (!isWaiting) updated = received;
  showCopyButtons();
  // What has grown above it has moved it.
  const same = read && document.getElementById(read.id);
  if (same) scrollBy(0, topOf(same) - before);
  showAges();
}

function panelIds(of) {
  return [...of.querySelectorAll("[data-live]")].map((it) => it.id).join();
}

async function ask() {
  const response = await fetch(location.href, {
    cache: "no-store",
    headers: { Accept: "text/html", "If-None-Match": `W/"${etag}"` },
    signal: AbortSignal.timeout(3 * SECONDS * 1000),
  });
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  if (response.redirected) return ["signed out", Infinity];
  if (response.status !== 200 && response.status !== 304) {
    return [`not live: status ${response.status}`, retryAfter];
  }
  if (response.status === 200) {
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (panelIds(fresh) !== panelIds(document)) return ["not live: reload the page", 0];
    page = fresh;
    etag = page.getElementById("main").dataset.etag;
  }
  received = Date.now();
  return ["", retryAfter];
}

async function refresh() {
  isAsking = true;
  let wait = 0;
  try {
    [trouble, wait] = await ask();
  } catch {
    trouble = "not live: no connection";
  }
  failures = trouble ? failures + 1 : 0;
  due = Date.now() + 1000 * Math.max(wait, SECONDS * 2 ** Math.min(failures, MOST_DOUBLINGS));
  isAsking = false;
  if (!trouble && page) show();
  else if (!trouble) updated = received;
  showAges();
}

function tick() {
  showAges();
  if (document.hidden) return;
  if (isWaiting) show();
  if (etag && !isAsking && Date.now() >= due) refresh();
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

link.href = location.href;
link.className = "link";
link.addEventListener("click", showNews);
state.append(words, link);
showCopyButtons();
tick();
setInterval(tick, 1000);
document.addEventListener("visibilitychange", tick);
