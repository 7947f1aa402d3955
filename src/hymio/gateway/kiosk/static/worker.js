// The worker of the kiosk: the page opens without a connection, and new versions of it arrive whole. The queue of
// answers is in IndexedDB, which this file never touches.

const VERSION = "{VERSION}";
const SHELL = `hymio-shell-${VERSION}`;
const DATA = "hymio-data";
const FILES = [
  "/k/", "/k/app.js", "/k/clock.js", "/k/dom.js", "/k/queue.js", "/k/sending.js", "/k/setup.js", "/k/staff.js",
  "/k/visit.js", "/k/app.css", "/k/app.webmanifest", "/k/icon.svg", "/k/icon-180.png", "/k/icon-192.png",
];
const FRESH = ["/k/shown", "/k/texts"];
const PATIENCE_MS = 5_000;

// All files, or none: a version whose files did not all arrive is not installed.
self.addEventListener("install", (event) => {
  const requests = FILES.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(requests)));
});

// Deletes the caches of older versions, but not what is shown.
self.addEventListener("activate", (event) => {
  const purge = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("hymio-shell-") && name !== SHELL) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(purge());
});

// A new version waits until the page says that nobody uses it.
self.addEventListener("message", (event) => {
  if (event.data === "activate") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (FILES.includes(url.pathname)) event.respondWith(stored(event.request, url.pathname));
  else if (FRESH.includes(url.pathname)) event.respondWith(fresh(event.request));
});

// A file of this version.
async function stored(request, path) {
  const cache = await caches.open(SHELL);
  return (await cache.match(path)) ?? fetch(request);
}

// The server's answer or, without a good one in time, the last one. That a token is refused is an answer.
async function fresh(request) {
  const cache = await caches.open(DATA);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) await cache.put(request.url, answer.clone());
    if (answer.ok || answer.status === 401) return answer;
  } catch {
    // There is no connection.
  }
  return (await cache.match(request.url, { ignoreVary: true })) ?? Response.error();
}
