// Sends presses by the terminal's upload protocol, docs/terminal-protocol.md.

import { asSent } from "./saving.js";

const UPLOADS = "/terminal/v1/uploads";
const EVERY_MS = 30_000;
const PRUNE_MS = 3_600_000;
const HEARTBEAT_MS = 15 * 60_000;
const TIMEOUT_MS = 35_000;
const MOST = 1_000;
const TRIES_OF_A_RESTORE = 3;

// An answer that acknowledges nothing.
class Refused extends Error {
  constructor(status, wait) {
    super(`HTTP ${status}`);
    this.status = status;
    this.wait = wait;
  }
}

export class Sender {
  // `claims` gives the smileys that this tablet is or was, the present one last.
  constructor(queue, clock, claims, version) {
    Object.assign(this, { queue, clock, claims, version });
    this.most = MOST;
    this.waitUntil = 0;
    this.pruneAt = 0;
    this.restores = { through: -1, tries: 0 };
    this.state = { answeredAt: null, failure: null, through: null };
    this.survey = undefined;
    this.isOlderRefused = false;
    this.running = null;
  }

  async open() {
    const { answeredAt, through } = (await this.queue.get("sent")) ?? this.state;
    Object.assign(this.state, { answeredAt, through });
    const again = () => {
      setTimeout(() => this.now().finally(again), EVERY_MS * (0.5 + Math.random()));
    };
    again();
    addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.now());
  }

  // Sends what waits; a call while it is sending makes it look again afterwards. `proves` asks the server in any case.
  now(proves = false) {
    this.wanted = true;
    this.proves ||= proves;
    this.running ??= this.whileWanted().finally(() => (this.running = null));
    return this.running;
  }

  async whileWanted() {
    while (this.wanted) {
      this.wanted = false;
      const proves = this.proves;
      this.proves = false;
      if (performance.now() < this.waitUntil && !proves) return;
      try {
        await this.round(proves);
      } catch (error) {
        this.fail(error);
        return;
      }
    }
  }

  fail(error) {
    this.state.failure = error.status ?? (error.name === "TimeoutError" ? 408 : 0);
    if ([408, 413, 500, 503, 0].includes(this.state.failure)) this.most = Math.max(1, Math.ceil(this.most / 2));
    if (error.wait) this.waitUntil = performance.now() + error.wait;
    if (!(error instanceof Refused) && !["TypeError", "TimeoutError", "AbortError"].includes(error.name)) {
      console.error(error);
    }
  }

  // Everything that waits, the present run of the present smiley first, as its answer gives the time for the others.
  async round(proves) {
    await this.clock.watch();
    const claims = await this.claims();
    const present = claims.at(-1);
    if (!present) return;
    const groups = await this.queue.groups();
    const due = this.state.answeredAt === null || Math.abs(Date.now() - this.state.answeredAt) > HEARTBEAT_MS;
    if (!groups.length && !due && !proves) return;
    const older = groups.filter(({ epoch, run }) => epoch !== present.epoch || run !== this.clock.run);
    const isWhole = !older.some(({ epoch }) => epoch === present.epoch);
    await this.drain(present, this.clock.run, isWhole, proves || due || older.length > 0);
    this.isOlderRefused = false;
    for (const { epoch, run } of older) {
      const claim = claims.find((each) => each.epoch === epoch);
      if (!claim) continue;
      // Another smiley, whose token has ended, does not keep the present one from sending.
      await this.drain(claim, run, false, false).catch((error) => {
        if (claim === present || error.status !== 401) throw error;
        this.isOlderRefused = true;
      });
    }
    if (older.length) await this.drain(present, this.clock.run, !(await this.queue.depth()), true);
    if (proves || due) await this.prove(present);
    if (performance.now() < this.pruneAt) return;
    this.pruneAt = performance.now() + PRUNE_MS;
    await this.queue.prune(this.clock.now());
  }

  // Sends the last press again, with the clock of its run: the answer says up to which sequence the server has all.
  async prove(claim) {
    const last = await this.queue.last(claim.epoch);
    if (last && !last.aside) await this.upload(claim, last.run, [last], null);
  }

  // Uploads what waits of a run; `always` also if nothing does.
  async drain(claim, run, isWhole, always) {
    // Each read begins after what was sent: the index is slow to step over what has left it.
    let after = 0;
    for (let isFirst = true; ; isFirst = false) {
      // The instant is read before the queue is: every press before it is in the queue by then.
      const through = run === this.clock.run && isWhole ? this.clock.now() : null;
      const waiting = await this.queue.waiting(claim.epoch, run, this.most + 1, after);
      const presses = waiting.slice(0, this.most);
      const rest = waiting[this.most];
      if (!presses.length && !(isFirst && always)) return;
      const reported = through === null ? null : (rest?.at ?? through);
      const isTaken = await this.upload(claim, run, presses, reported, rest?.sequence);
      if (isTaken && !rest) return;
      // What a restored server lacks waits again from its first sequence.
      if (isTaken) after = this.proves ? 0 : presses.at(-1).sequence;
    }
  }

  // One upload. False if a single press was set aside, and there is more to try.
  async upload(claim, run, presses, reported, next) {
    const lost = ((await this.queue.get(`lost ${claim.epoch}`)) ?? []).slice(0, 1_000);
    const body = {
      epoch: claim.epoch,
      presses: presses.map(asSent),
      lost,
      firmware: `kiosk ${this.version}`,
      ...(reported === null ? {} : { reportedThrough: reported }),
    };
    const sent = this.clock.now();
    const text = JSON.stringify({ ...body, clock: this.clock.nowOf(run) });
    let receipt;
    try {
      receipt = await post(claim.token, text);
    } catch (error) {
      if (error.status !== 400 || !presses.length) throw error;
      this.most = Math.max(1, Math.floor(presses.length / 2));
      if (presses.length > 1) return false;
      // If the server takes the same upload without the press, then the press is at fault, and blocks no other.
      await post(claim.token, JSON.stringify({ ...body, presses: [], clock: this.clock.nowOf(run) }));
      await this.queue.acknowledge(presses, this.clock.now(), { aside: `HTTP ${error.status}` });
      return false;
    }
    await this.received(claim, run, presses, lost, receipt, sent, next);
    return true;
  }

  async received(claim, run, presses, lost, receipt, sent, next) {
    await this.queue.acknowledge(presses, this.clock.now(), { reasons: reasons(receipt.quarantined) });
    if (lost.length) {
      const all = (await this.queue.get(`lost ${claim.epoch}`)) ?? [];
      await this.queue.set(`lost ${claim.epoch}`, all.slice(lost.length));
    }
    const isPresent = claim.epoch === (await this.claims()).at(-1).epoch;
    this.most = Math.min(MOST, this.most * 2);
    this.waitUntil = 0;
    if (isPresent) {
      Object.assign(this.state, { answeredAt: Date.now(), failure: null });
      this.survey = receipt.settings.survey;
    }
    if (run === this.clock.run) await this.clock.learn(receipt.time, sent, this.clock.now());
    if (receipt.acknowledgedThrough?.epoch === claim.epoch) {
      if (isPresent) this.state.through = receipt.acknowledgedThrough.sequence;
      await this.compare(claim, receipt.acknowledgedThrough.sequence, next);
    }
    if (isPresent) await this.queue.set("sent", this.state);
  }

  // `next` waits, if anything does. A server that has less than it acknowledged was restored from a backup.
  async compare(claim, through, next) {
    if (through + 1 >= next) return;
    const first = await this.queue.firstWaiting(claim.epoch);
    if (through + 1 >= first) return;
    if (through !== this.restores.through) this.restores = { through, tries: 0 };
    if (++this.restores.tries > TRIES_OF_A_RESTORE) return;
    const lost = await this.queue.requeue(claim.epoch, through + 1, first);
    await this.queue.set(`lost ${claim.epoch}`, lost);
    this.wanted = true;
    this.proves = true;
  }
}

// Why presses are in quarantine, by their sequence.
const reasons = (notices) => Object.fromEntries(notices.map((each) => [each.sequence, each.reason]));

async function post(token, body) {
  const response = await fetch(UPLOADS, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body,
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.ok) return response.json();
  throw new Refused(response.status, 1_000 * (Number(response.headers.get("Retry-After")) || 0));
}
