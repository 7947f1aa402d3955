// The presses of this tablet in IndexedDB: without expiry until the server has them, and some days longer.

// The server may be restored from a backup; what it lacks then is sent again.
const KEEP = 50_000;
const KEEP_MS = 14 * 86_400_000;
// Records that one transaction changes: a press that is stored meanwhile waits for no more than these.
const BATCH = 250;

const STRICT = { durability: "strict" };

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

const everyPress = (presses, changed) =>
  new Promise((resolve) => {
    presses.openCursor().onsuccess = (event) => {
      const cursor = event.target.result;
      if (!cursor) return resolve();
      cursor.update(changed(cursor.value));
      cursor.continue();
    };
  });

// Each version of the stored records, and how those of the version before become it, one after the other. Never change
// one that was delivered: add the next.
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
    return everyPress(presses, (press) => ({ run: 0, edits: 0, phases: [], ...press }));
  },
  // Nothing walks the whole queue: an index for each question. `done` is when the server had the press.
  (_, transaction) => {
    const presses = transaction.objectStore("presses");
    presses.deleteIndex("at");
    presses.createIndex("day", ["run", "at"]);
    for (const name of ["done", "aside", "quarantined"]) presses.createIndex(name, name);
    return everyPress(presses, (press) => (press.waiting || press.aside ? press : { ...press, done: press.at }));
  },
];

export const RECORDS = UPGRADES.length;

// A database of a newer page (the server went back to an older version) is used as it is: newer records have more
// fields, never others.
export async function openQueue(name = "hymio-kiosk") {
  const request = indexedDB.open(name, RECORDS);
  request.onupgradeneeded = async (event) => {
    for (let version = event.oldVersion; version < RECORDS; version++) {
      await UPGRADES[version](request.result, request.transaction);
    }
  };
  try {
    return new Queue(await got(request));
  } catch (error) {
    if (error.name !== "VersionError") throw error;
    return new Queue(await got(indexedDB.open(name)));
  }
}

export class Queue {
  constructor(db) {
    this.db = db;
    // A newer version of the page, in another tab, may migrate.
    db.onversionchange = () => db.close();
  }

  get presses() {
    return this.db.transaction("presses").objectStore("presses");
  }

  async get(key) {
    return got(this.db.transaction("meta").objectStore("meta").get(key));
  }

  async set(key, value, options = STRICT) {
    const transaction = this.db.transaction("meta", "readwrite", options);
    transaction.objectStore("meta").put(value, key);
    return done(transaction);
  }

  // Stores a press with the next sequence of its epoch; it is on the disk once the promise is fulfilled. The counter is
  // read and written in one transaction, so that two tabs never give the same sequence.
  async add(epoch, press) {
    const transaction = this.db.transaction(["presses", "meta"], "readwrite", STRICT);
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
    const transaction = this.db.transaction("presses", "readwrite", STRICT);
    const presses = transaction.objectStore("presses");
    const press = await got(presses.get([epoch, sequence]));
    if (press) {
      const { done: _, ...rest } = press;
      const phases = [...press.phases.filter((each) => each.position !== phase.position), phase];
      presses.put({ ...rest, phases, edits: press.edits + 1, waiting: 1 });
    }
    return done(transaction);
  }

  // What waits, by epoch and run of the clock, in order.
  async groups() {
    const index = this.presses.index("queue");
    const groups = [];
    for (let range = null; ; ) {
      const cursor = await got(index.openKeyCursor(range));
      if (!cursor) return groups;
      const [, epoch, run] = cursor.key;
      groups.push({ epoch, run });
      range = IDBKeyRange.lowerBound([1, epoch, run, []]);
    }
  }

  // The first presses that wait of an epoch and run, after a sequence.
  async waiting(epoch, run, most, after = 0) {
    const range = IDBKeyRange.bound([1, epoch, run, after], [1, epoch, run, []], true);
    return got(this.presses.index("queue").getAll(range, most));
  }

  async depth() {
    return got(this.presses.index("queue").count());
  }

  // The first press that waits of each epoch and run.
  async firsts() {
    return (await Promise.all((await this.groups()).map(({ epoch, run }) => this.waiting(epoch, run, 1)))).flat();
  }

  // The lowest sequence of an epoch that waits; the one after the last if none does.
  async firstWaiting(epoch) {
    const next = ((await this.get(`counter ${epoch}`)) ?? 0) + 1;
    const own = (await this.firsts()).filter((press) => press.epoch === epoch);
    return Math.min(next, ...own.map((press) => press.sequence));
  }

  async last(epoch) {
    const sequence = await this.get(`counter ${epoch}`);
    return sequence && got(this.presses.get([epoch, sequence]));
  }

  // The server has these as they were sent; one that was changed meanwhile waits on. `reasons` says, by sequence, why
  // the server has one in quarantine; `aside` why it will never take them: they are kept, but block no others.
  async acknowledge(sent, now, { reasons = {}, aside } = {}) {
    for (let from = 0; from < sent.length; from += BATCH) {
      const transaction = this.db.transaction("presses", "readwrite", STRICT);
      const presses = transaction.objectStore("presses");
      for (const { epoch, sequence, edits } of sent.slice(from, from + BATCH)) {
        presses.get([epoch, sequence]).onsuccess = (event) => {
          const { waiting: _, ...press } = event.target.result ?? {};
          if (press.edits !== edits) return;
          const quarantined = reasons[sequence] ?? press.quarantined;
          presses.put({ ...press, ...(aside ? { aside } : { done: now }), ...(quarantined ? { quarantined } : {}) });
        };
      }
      await done(transaction);
    }
  }

  // After a restore of the server: what it lacks from `first` to before `end` waits again. Returns the ranges that
  // this tablet has no more.
  async requeue(epoch, first, end) {
    const lost = [];
    for (let next = first; next < end; ) {
      const transaction = this.db.transaction("presses", "readwrite", STRICT);
      const presses = transaction.objectStore("presses");
      const known = await got(presses.getAll(IDBKeyRange.bound([epoch, next], [epoch, end], false, true), BATCH));
      for (const { done: _, ...press } of known) {
        if (press.sequence > next) lost.push([next, press.sequence - 1]);
        next = press.sequence + 1;
        if (press.aside) lost.push([press.sequence, press.sequence]);
        else presses.put({ ...press, waiting: 1 });
      }
      if (known.length < BATCH && next < end) {
        lost.push([next, end - 1]);
        next = end;
      }
      await done(transaction);
    }
    return lost;
  }

  // How many presses of a run are of an instant of its clock or later.
  async countSince(run, at) {
    return got(this.presses.index("day").count(IDBKeyRange.bound([run, at], [run, []])));
  }

  // How many presses have a property: `aside` or `quarantined`.
  async countOf(property) {
    return got(this.presses.index(property).count());
  }

  // Deletes presses that the server has for longer than a restore reaches back, or that are too many; never the last
  // one of an epoch, which asks the server how far it has everything.
  async prune(now) {
    const index = this.presses.index("done");
    const [old, all] = await Promise.all([got(index.count(IDBKeyRange.upperBound(now - KEEP_MS))), got(index.count())]);
    for (let left = Math.max(old, all - KEEP); left > 0; left -= BATCH) {
      const transaction = this.db.transaction(["presses", "meta"], "readwrite");
      const [presses, meta] = [transaction.objectStore("presses"), transaction.objectStore("meta")];
      for (const key of await got(presses.index("done").getAllKeys(null, Math.min(BATCH, left)))) {
        if (key[1] !== (await got(meta.get(`counter ${key[0]}`)))) presses.delete(key);
      }
      await done(transaction);
    }
  }

  // What the server does not have, in parts of an epoch and run: for a file, the last resort.
  async *unsent(most) {
    for (const { epoch, run } of await this.groups()) {
      for (let after = 0; ; ) {
        const presses = await this.waiting(epoch, run, most, after);
        if (presses.length) yield { epoch, run, presses };
        if (presses.length < most) break;
        after = presses.at(-1).sequence;
      }
    }
    for (const press of await got(this.presses.index("aside").getAll())) {
      yield { epoch: press.epoch, run: press.run, presses: [press] };
    }
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
