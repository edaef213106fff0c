"use strict";

// Values from the file are put into text nodes, so markup in a cell is shown as text.
const at = (id) => document.getElementById(id);
const WAIT_MS = 15000;

let state = null; // the last state from the server
let busy = false; // a decision is being saved; keys are ignored meanwhile
let ended = false;
let classes = [];

// -- talking to the server --------------------------------------------------------------------

async function ask(path, body) {
  const how = { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(WAIT_MS) };
  if (body !== undefined) {
    how.method = "POST";
    how.headers = { "Content-Type": "application/json" };
    how.body = JSON.stringify(body);
  }
  const answer = await fetch(path, how);
  return answer.json();
}

async function act(what) {
  if (busy) at("status").textContent = "ignored: the previous answer was still being saved";
  if (busy || ended || !state) return;
  busy = true;
  document.body.setAttribute("aria-busy", "true");
  try {
    take(await ask("do", { ...what, seen: state.revision }));
  } catch {
    fail(
      "NOT SAVED: labelkit does not respond; it may have been stopped in the terminal. Earlier " +
        "answers are saved. Run the same command again and open the address that it prints."
    );
  } finally {
    busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

function take(reply) {
  if (reply.revision !== undefined) {
    const other = !state || state.key !== reply.key || state.over !== reply.over;
    state = reply;
    draw(other);
  }
  if (reply.error) fail(reply.error);
  else {
    at("error").hidden = true;
    at("status").textContent = reply.done || "";
  }
  if (reply.ended) finish();
}

function fail(text) {
  const box = at("error");
  box.hidden = false;
  box.textContent = "";
  box.textContent = text;
  at("status").textContent = "";
}

function finish() {
  ended = true;
  at("error").hidden = true;
  at("key").textContent = "";
  for (const id of ["answers", "fields", "near", "reason", "marks", "copies"]) at(id).hidden = true;
  document.querySelector("nav").hidden = true;
  paragraph("Finished. All answers are saved. You can close this page; the terminal shows the next step.");
  document.title = "finished · labelkit";
  at("card").focus();
}

// -- showing ----------------------------------------------------------------------------------

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function cell(tag, pieces) {
  const made = element(tag, undefined, "cell");
  made.dir = "auto";
  for (const [text, marked] of pieces) made.append(marked ? element("mark", text) : text);
  return made;
}

function line(id, text) {
  at(id).hidden = !text;
  at(id).textContent = text || "";
}

function paragraph(text) {
  at("texts").replaceChildren(element("p", text, "done"));
}

function draw(other) {
  at("progress").textContent = state.progress;
  at("key").textContent = state.key === null ? "" : `${state.key_name} ${state.key}`;
  document.title = `${state.progress} · ${state.name}`;
  drawBar();
  const over = state.key === null;
  at("answers").hidden = over;
  for (const id of ["skip", "flag", "note"]) at(id).disabled = over;
  if (over) paragraph(`Done: ${state.over}. Finish, or undo the last answer.`);
  else drawTexts();
  drawFields();
  line("near", state.near && `nearest labelled: ${state.near}`);
  line("reason", state.reason);
  line("marks", state.marks);
  at("flag").setAttribute("aria-pressed", String(Boolean(state.flag)));
  at("copies").hidden = !state.copies;
  at("together").checked = Boolean(state.copies && state.copies.together);
  at("copies-line").textContent = state.copies ? state.copies.line : "";
  at("guess").hidden = !state.guess;
  at("guess-line").textContent = state.guess || "";
  if (other) {
    at("filter").value = "";
    narrow();
    at("card").scrollTop = 0;
    at("card").setAttribute("aria-label", over ? "done" : `row ${state.key}`);
    at("card").focus({ preventScroll: true });
  }
}

function drawBar() {
  at("bar").hidden = state.share === null;
  if (state.share === null) return;
  const percent = Math.round(100 * state.share);
  at("filled").style.width = `${percent}%`;
  at("bar").setAttribute("aria-valuenow", String(percent));
  at("bar").setAttribute("aria-valuetext", state.progress);
}

function drawTexts() {
  const shown = [];
  for (const { name, pieces } of state.texts) {
    if (state.texts.length > 1) shown.push(element("h2", name));
    shown.push(cell("div", pieces));
  }
  at("texts").replaceChildren(...shown);
}

function drawFields() {
  at("fields").hidden = !state.fields.length;
  const rows = state.fields.map(({ name, pieces, beside }) => {
    const row = document.createElement("tr");
    const head = element("th", name);
    head.scope = "row";
    const value = document.createElement("td");
    value.append(cell("span", pieces));
    row.append(head, value);
    if (beside) row.append(element("td", beside, "beside"));
    return row;
  });
  at("fields").tBodies[0].replaceChildren(...rows);
}

function listed(title, lines) {
  const items = element("ul");
  items.append(...lines.map((text) => element("li", text, "cell")));
  return lines.length ? [element("h2", title), items] : [];
}

function drawGuide(guide) {
  const described = classes.filter(({ label }) => Object.hasOwn(guide.descriptions, label));
  const means = element("dl");
  for (const { label } of described) {
    means.append(element("dt", label, "cell"), element("dd", guide.descriptions[label], "cell"));
  }
  const parts = guide.guidelines ? [element("p", guide.guidelines, "cell")] : [];
  if (described.length) parts.push(means);
  parts.push(...listed("Hard cases", guide.cases));
  parts.push(...listed("Examples", guide.examples.map(({ text, label }) => `${text} → ${label}`)));
  for (const part of parts) part.dir = "auto";
  at("guide-text").replaceChildren(...parts);
  at("guide").hidden = !parts.length;
  at("guide").open = window.innerHeight >= 700 && window.innerWidth >= 480; // room for the text
}

function makeClasses() {
  const buttons = classes.map(({ label, key }) => {
    const button = document.createElement("button");
    button.type = "button";
    if (key) {
      const digit = element("kbd", key);
      digit.setAttribute("aria-hidden", "true");
      button.append(digit, " ");
      button.setAttribute("aria-keyshortcuts", key);
    }
    button.append(element("span", label, "cell"));
    button.addEventListener("click", () => act({ do: "label", label }));
    return button;
  });
  at("classes").replaceChildren(...buttons);
  at("filter").hidden = classes.every(({ key }) => key);
}

// -- finding a class ---------------------------------------------------------------------------

function matches() {
  return [...at("classes").children].filter((button) => !button.hidden);
}

function narrow() {
  const typed = at("filter").value.trim().toLowerCase();
  const starts = (place) => classes[place].label.toLowerCase().startsWith(typed);
  [...at("classes").children].forEach((button, place) => {
    button.hidden = !classes[place].label.toLowerCase().includes(typed);
    button.style.order = typed && !starts(place) ? "1" : "0";
  });
}

function typedInFilter() {
  narrow();
  const n = matches().length;
  at("status").textContent = n === 1 ? "1 match" : `${n || "no"} matches`;
}

function firstMatch() {
  const shown = matches();
  return shown.find((button) => button.style.order === "0") || shown[0];
}

function keyInFilter(event) {
  if (event.key === "Enter") {
    event.preventDefault();
    if (at("filter").value.trim() && firstMatch()) firstMatch().click();
  } else if (event.key === "ArrowDown" && firstMatch()) {
    event.preventDefault();
    firstMatch().focus();
  } else if (event.key === "Escape") {
    at("filter").value = "";
    narrow();
    at("card").focus();
  }
}

function keyInClasses(event) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const shown = matches().sort((a, b) => Number(a.style.order) - Number(b.style.order));
  const next = shown[shown.indexOf(document.activeElement) + step];
  if (next) next.focus();
  else if (step < 0 && !at("filter").hidden) at("filter").focus();
}

// -- keys -------------------------------------------------------------------------------------

const KEYS = {
  a: () => accept(), Enter: () => accept(),
  s: () => act({ do: "skip" }), " ": () => act({ do: "skip" }),
  u: () => act({ do: "undo" }), Backspace: () => act({ do: "undo" }), Delete: () => act({ do: "undo" }),
  f: () => act({ do: "flag" }),
  n: () => openNote(),
  "=": () => state.copies && act({ do: "copies", together: !state.copies.together }),
  "/": () => at("filter").hidden || at("filter").focus(),
  "?": () => at("keys-dialog").showModal(),
  q: () => act({ do: "finish" }),
  j: () => at("card").scrollBy(0, 40), k: () => at("card").scrollBy(0, -40),
};

function accept() {
  if (state.guess) act({ do: "accept" });
  else at("status").textContent = "no suggestion to accept";
}

function keyPressed(event) {
  const undoes = (event.ctrlKey || event.metaKey) && event.key === "z";
  if (!state || ended || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, textarea") || event.isComposing) return;
  if (event.target.matches("button") && (event.key === "Enter" || event.key === " ")) return;
  if (undoes) return run(event, KEYS.u);
  if (event.ctrlKey || event.metaKey || event.altKey || !at("shortcuts").checked) return;
  const labelled = classes.find(({ key }) => key === event.key);
  if (labelled) return run(event, () => act({ do: "label", label: labelled.label }));
  if (Object.hasOwn(KEYS, event.key)) run(event, KEYS[event.key]);
  else if (/^\d$/.test(event.key)) at("status").textContent = `no class has the digit ${event.key}`;
}

function run(event, what) {
  event.preventDefault();
  // A key held down answers only one row.
  if (!event.repeat || event.key === "j" || event.key === "k") what();
}

// -- notes -------------------------------------------------------------------------------------

function openNote() {
  if (!state || state.key === null) return;
  at("note-text").value = state.note;
  at("note-dialog").showModal();
}

function closeNote(keep) {
  at("note-dialog").close();
  at("card").focus();
  if (keep) act({ do: "note", note: at("note-text").value });
}

function wire() {
  at("guess").addEventListener("click", accept);
  for (const id of ["undo", "skip", "flag", "finish"]) {
    at(id).addEventListener("click", () => act({ do: id }));
  }
  at("note").addEventListener("click", openNote);
  at("keys").addEventListener("click", KEYS["?"]);
  at("together").addEventListener("change", (event) =>
    act({ do: "copies", together: event.target.checked })
  );
  at("note-form").addEventListener("submit", (event) => {
    event.preventDefault();
    closeNote(true);
  });
  at("note-drop").addEventListener("click", () => closeNote(false));
  at("note-text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      closeNote(true);
    }
  });
  at("keys-dialog").addEventListener("close", () => at("card").focus());
  at("shortcuts").addEventListener("change", (event) => {
    at("status").textContent = `single-key shortcuts are ${event.target.checked ? "on" : "off (turn them on under ? keys)"}`;
  });
  at("filter").addEventListener("input", typedInFilter);
  at("filter").addEventListener("keydown", keyInFilter);
  at("classes").addEventListener("keydown", keyInClasses);
  document.addEventListener("keydown", keyPressed);
}

async function start() {
  wire();
  try {
    const first = await ask("state");
    classes = first.classes;
    at("title").textContent = `labels for ${first.name}`;
    makeClasses();
    drawGuide(first.guide);
    take(first);
  } catch {
    fail("labelkit does not respond; run it again in the terminal and open the address it prints.");
  }
}

start();
