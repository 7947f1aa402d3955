// The presses of this tablet in IndexedDB: without expiry until the server has them, and some days longer.

// The server may be restored from a backup; what it lacks then is sent again.
const KEEP = 50_000;
const KEEP_MS = 14 * 86_400_000;

export const got = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const done = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
  });

// Each version of the stored records, and how those of the version before become it. Never change one that was
// delivered: add the next.
const UPGRADES = [
  (db) => {
    db.createObjectStore("presses", { keyPath: ["epoch", "sequence"] });
    db.createObjectStore("meta");
  },
  // Presses know the run of the clock that timed them, and can be found by it and by their time.
  (_, transaction) => {
    const presses = transaction.objectStore("presses");
    presses.createIndex("queue", ["waiting", "epoch", "run", "sequence"]);
    presses.createIndex("at", "at");
    presses.openCursor().onsuccess = (event) => {
      const cursor = event.target.result;
      if (!cursor) return;
      cursor.update({ run: 0, edits: 0, phases: [], ...cursor.value });
      cursor.continue();
    };
  },
];

export const RECORDS = UPGRADES.length;

export function openQueue(name = "hymio-kiosk") {
  const request = indexedDB.open(name, RECORDS);
  request.onupgradeneeded = (event) => {
    for (let version = event.oldVersion; version < RECORDS; version++) {
      UPGRADES[version](request.result, request.transaction);
    }
  };
  return got(request).then((db) => new Queue(db));
}

export class Queue {
  constructor(db) {
    this.db = db;
    // A newer version of the page, in another tab, may migrate.
    db.onversionchange = () => db.close();
  }

  async get(key) {
    return got(this.db.transaction("meta").objectStore("meta").get(key));
  }

  async set(key, value) {
    const transaction = this.db.transaction("meta", "readwrite", { durability: "strict" });
    transaction.objectStore("meta").put(value, key);
    return done(transaction);
  }

  // Stores a press with the next sequence of its epoch; it is on the disk once the promise is fulfilled.
  async add(epoch, press) {
    const transaction = this.db.transaction(["presses", "meta"], "readwrite", { durability: "strict" });
    const [presses, meta] = [transaction.objectStore("presses"), transaction.objectStore("meta")];
    const counter = `counter ${epoch}`;
    const sequence = ((await got(meta.get(counter))) ?? 0) + 1;
    meta.put(sequence, counter);
    presses.add({ phases: [], edits: 0, waiting: 1, ...press, epoch, sequence });
    await done(transaction);
    return sequence;
  }

  // Adds or replaces a phase of a press by its position; the press waits to be sent again.
  async addPhase(epoch, sequence, phase) {
    const transaction = this.db.transaction("presses", "readwrite", { durability: "strict" });
    const presses = transaction.objectStore("presses");
    const press = await got(presses.get([epoch, sequence]));
    if (press) {
      press.phases = [...press.phases.filter((each) => each.position !== phase.position), phase];
      presses.put({ ...press, edits: press.edits + 1, waiting: 1 });
    }
    return done(transaction);
  }

  // What waits, by epoch and run of the clock, in order.
  async groups() {
    const index = this.db.transaction("presses").objectStore("presses").index("queue");
    const groups = [];
    for (let range = null; ; ) {
      const cursor = await got(index.openKeyCursor(range));
      if (!cursor) return groups;
      const [, epoch, run] = cursor.key;
      groups.push({ epoch, run });
      range = IDBKeyRange.lowerBound([1, epoch, run, []]);
    }
  }

  // The first presses that wait of an epoch and run.
  async waiting(epoch, run, most) {
    const index = this.db.transaction("presses").objectStore("presses").index("queue");
    return got(index.getAll(IDBKeyRange.bound([1, epoch, run], [1, epoch, run, []]), most));
  }

  async depth() {
    return got(this.db.transaction("presses").objectStore("presses").index("queue").count());
  }

  async oldest() {
    let oldest = null;
    for (const { epoch, run } of await this.groups()) {
      const [press] = await this.waiting(epoch, run, 1);
      if (press && (oldest === null || press.at < oldest)) oldest = press.at;
    }
    return oldest;
  }

  // The lowest sequence of an epoch that waits; the one after the last if none does.
  async firstWaiting(epoch) {
    let first = ((await this.get(`counter ${epoch}`)) ?? 0) + 1;
    for (const group of await this.groups()) {
      if (group.epoch !== epoch) continue;
      const [press] = await this.waiting(epoch, group.run, 1);
      if (press && press.sequence < first) first = press.sequence;
    }
    return first;
  }

  async last(epoch) {
    const sequence = await this.get(`counter ${epoch}`);
    return sequence && got(this.db.transaction("presses").objectStore("presses").get([epoch, sequence]));
  }

  // The server has these as they were sent; one that was changed meanwhile waits on. `aside` says why the server will
  // never take one: it is kept, but blocks no other.
  async acknowledge(sent, aside) {
    const transaction = this.db.transaction("presses", "readwrite", { durability: "strict" });
    const presses = transaction.objectStore("presses");
    for (const { epoch, sequence, edits } of sent) {
      presses.get([epoch, sequence]).onsuccess = (event) => {
        const press = event.target.result;
        if (!press || press.edits !== edits) return;
        delete press.waiting;
        presses.put(aside ? { ...press, aside } : press);
      };
    }
    return done(transaction);
  }

  // After a restore of the server: what it lacks from `first` to before `end` waits again. Returns the ranges that
  // this tablet has no more.
  async requeue(epoch, first, end) {
    const transaction = this.db.transaction("presses", "readwrite");
    const presses = transaction.objectStore("presses");
    const lost = [];
    let next = first;
    const known = await got(presses.getAll(IDBKeyRange.bound([epoch, first], [epoch, end], false, true)));
    for (const press of known) {
      if (press.sequence > next) lost.push([next, press.sequence - 1]);
      next = press.sequence + 1;
      if (press.aside) lost.push([press.sequence, press.sequence]);
      else presses.put({ ...press, waiting: 1 });
    }
    if (next < end) lost.push([next, end - 1]);
    await done(transaction);
    return lost;
  }

  // The presses since an instant: how many, how many of them wait, and of which epochs the last ones are.
  async since(at) {
    const index = this.db.transaction("presses").objectStore("presses").index("at");
    const all = await got(index.getAll(IDBKeyRange.lowerBound(at)));
    return { number: all.length, waiting: all.filter((press) => press.waiting).length };
  }

  async aside() {
    let number = 0;
    const store = this.db.transaction("presses").objectStore("presses");
    for (const press of await got(store.getAll())) number += press.aside ? 1 : 0;
    return number;
  }

  // Deletes acknowledged presses that are older than a restore reaches back, or too many.
  async prune(now) {
    const transaction = this.db.transaction("presses", "readwrite");
    const index = transaction.objectStore("presses").index("at");
    let over = (await got(index.count())) - KEEP;
    index.openCursor().onsuccess = (event) => {
      const cursor = event.target.result;
      if (!cursor || (over <= 0 && cursor.key > now - KEEP_MS)) return;
      if (!cursor.value.waiting && !cursor.value.aside) {
        cursor.delete();
        over -= 1;
      }
      cursor.continue();
    };
    return done(transaction);
  }

  // What the server does not have, for a file: the last resort.
  async everythingUnsent() {
    const all = await got(this.db.transaction("presses").objectStore("presses").getAll());
    return all.filter((press) => press.waiting || press.aside);
  }

  // Whether the disk takes and gives back what is written.
  async check(now) {
    await this.set("check", now);
    return (await this.get("check")) === now;
  }

  async erase() {
    const transaction = this.db.transaction(["presses", "meta"], "readwrite");
    transaction.objectStore("presses").clear();
    transaction.objectStore("meta").clear();
    return done(transaction);
  }
}
