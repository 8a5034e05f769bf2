// Shows which backend answers: no framework, no build, nothing inline, nothing from another site.

const POLL = 1000;
const TIMEOUT = 8000;
const SHOWN = 40;

const element = (id) => document.getElementById(id);
const backends = new Map();

class Problem extends Error {}

async function ask(path, options = {}) {
  const began = performance.now();
  let response;
  try {
    response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT), ...options });
  } catch (error) {
    throw new Problem(error.name === "TimeoutError" ? "no answer in time" : "no connection");
  }
  const instance = response.headers.get("X-Served-By");
  if (instance && path.startsWith("/api/")) {
    seen(instance, response.headers.get("X-App-Version"), performance.now() - began);
  }
  const isJson = (response.headers.get("Content-Type") || "").startsWith("application/json");
  const body = isJson ? await response.json() : null;
  if (!response.ok) {
    throw new Problem(body?.error?.message || `the server answered ${response.status}`);
  }
  if (!isJson && response.status !== 204) {
    throw new Problem("the answer is not from the application");
  }
  return body;
}

function seen(instance, version, milliseconds) {
  if (!backends.has(instance)) {
    backends.set(instance, { colour: `c${backends.size % 8}`, answers: 0 });
  }
  const backend = backends.get(instance);
  backend.answers += 1;
  backend.version = version || "–";
  element("instance").textContent = instance;
  element("version").textContent = backend.version;
  element("time").textContent = `${Math.round(milliseconds)} ms`;
  mark(backend.colour, instance);
  drawBackends();
}

function mark(style, title) {
  const item = document.createElement("li");
  item.className = style;
  item.title = title;
  const answers = element("answers");
  answers.append(item);
  while (answers.children.length > SHOWN) {
    answers.firstChild.remove();
  }
}

function drawBackends() {
  const total = [...backends.values()].reduce((sum, backend) => sum + backend.answers, 0);
  const rows = [...backends].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })).map(([name, backend]) => {
    const row = document.createElement("tr");
    row.className = backend.colour;
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head);
    for (const value of [backend.version, backend.answers, `${Math.round((100 * backend.answers) / total)} %`]) {
      row.insertCell().textContent = value;
    }
    return row;
  });
  element("backends").replaceChildren(...rows);
}

// A status region is read aloud at each change, so it changes only when there is something new to say.
function say(text, good) {
  const state = element("state");
  if (state.textContent !== text) {
    state.textContent = text;
    state.className = `state ${good ? "good" : "bad"}`;
  }
}

function complain(problem) {
  const place = element("problem");
  place.hidden = !problem;
  place.textContent = problem ? `That did not work: ${problem.message}.` : "";
}

async function poll() {
  if (!document.hidden) {
    try {
      await ask("/api/whoami");
      say("The platform answers", true);
    } catch (problem) {
      mark("failed", problem.message);
      say(`The platform does not answer: ${problem.message}`, false);
    }
  }
  setTimeout(poll, POLL);
}

function noteNumber() {
  const match = location.pathname.match(/^\/notes\/(\d+)$/);
  return match ? Number(match[1]) : null;
}

async function showNotes() {
  const number = noteNumber();
  element("notes-title").textContent = number ? `Note ${number}` : "Notes";
  element("form").hidden = number !== null;
  try {
    const notes = number ? [await ask(`/api/notes/${number}`)] : (await ask("/api/notes?limit=20")).notes;
    element("list").replaceChildren(...notes.map(drawNote));
    element("empty").hidden = notes.length > 0;
    return true;
  } catch (problem) {
    if (number) {
      element("list").replaceChildren();
    }
    complain(problem);
    return false;
  }
}

function drawNote(note) {
  const item = document.createElement("li");
  const box = document.createElement("div");
  const text = document.createElement("p");
  text.textContent = note.text;
  const origin = document.createElement("small");
  const link = document.createElement("a");
  link.href = `/notes/${note.id}`;
  link.dataset.route = "";
  link.textContent = new Date(note.created_at).toLocaleString();
  origin.append(link, ` by ${note.created_by || "unknown"}`);
  box.append(text, origin);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "Delete";
  remove.setAttribute("aria-label", `Delete the note “${note.text.slice(0, 60)}”`);
  remove.addEventListener("click", () => change(remove, async () => {
    await ask(`/api/notes/${note.id}`, { method: "DELETE" });
    if (noteNumber()) {
      history.pushState(null, "", "/");
    }
    element("notes").focus();
  }));
  item.append(box, remove);
  return item;
}

async function change(button, action) {
  button.disabled = true;
  complain(null);
  try {
    await action();
    await showNotes();
  } catch (problem) {
    complain(problem);
  }
  button.disabled = false;
}

async function showCounter(method = "GET") {
  try {
    element("counter").textContent = (await ask("/api/counter", { method })).value;
  } catch (problem) {
    element("counter").textContent = problem.message;
  }
}

function watchSocket(wait = 1000) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/echo`);
  let began = 0;
  let timer = 0;
  const ping = () => {
    began = performance.now();
    socket.send(`echo ${began}`);
  };
  socket.addEventListener("open", () => {
    wait = 1000;
    ping();
  });
  socket.addEventListener("message", () => {
    element("socket").textContent = `echo in ${Math.round(performance.now() - began)} ms`;
    timer = setTimeout(ping, 2000);
  });
  socket.addEventListener("close", () => {
    clearTimeout(timer);
    element("socket").textContent = "closed, trying again";
    setTimeout(() => watchSocket(Math.min(wait * 2, 30000)), wait);
  });
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = element("text");
  change(event.submitter || field, async () => {
    const headers = { "Content-Type": "application/json" };
    await ask("/api/notes", { method: "POST", headers, body: JSON.stringify({ text: field.value }) });
    field.value = "";
    field.focus();
  });
});

element("count").addEventListener("click", () => showCounter("POST"));

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-route]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    history.pushState(null, "", link.href);
    complain(null);
    showNotes();
    element("notes").focus();
  }
});
window.addEventListener("popstate", () => {
  complain(null);
  showNotes();
});

showNotes();
showCounter();
watchSocket();
poll();
