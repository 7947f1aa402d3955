// The worker of the kiosk: the page opens without a connection, and new versions of it arrive whole. The queue of
// answers is in IndexedDB, which this file never touches.

const VERSION = "@VERSION@";
const SHELL = `hymio-shell-${VERSION}`;
const FILES = [
  "/k/", "/k/app.js", "/k/clock.js", "/k/device.js", "/k/dom.js", "/k/pin.js", "/k/queue.js", "/k/saving.js",
  "/k/sending.js", "/k/setup.js", "/k/staff.js", "/k/visit.js", "/k/app.css", "/k/app.webmanifest", "/k/icon.svg",
  "/k/icon-180.png", "/k/icon-192.png",
];

// All files of this version, or none: the server has no file under another version, so that two servers of which one
// is updated already never make a mixture.
self.addEventListener("install", (event) => {
  const requests = FILES.map((file) => new Request(`${file}?v=${VERSION}`, { cache: "reload" }));
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(requests)));
});

// Deletes the caches of other versions.
self.addEventListener("activate", (event) => {
  const purge = async () => {
    for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
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
});

// A file of this version.
async function stored(request, path) {
  const cache = await caches.open(SHELL);
  return (await cache.match(path, { ignoreSearch: true })) ?? fetch(request);
}
