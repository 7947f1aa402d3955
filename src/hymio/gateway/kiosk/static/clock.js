// The clock of presses. A run is a time in which the tablet's clock was neither set nor stopped; a press belongs to one.
// Presses of different runs are sent apart, each with what the clock of its run says now, so that the server corrects
// all of them rightly, also after the clock was set while the tablet was without a connection.

const JUMP_MS = 2_000;
const WRONG_MS = 5_000;
const RUNS = 1_000;

export class RunClock {
  constructor(queue) {
    this.queue = queue;
    this.runs = [];
    this.offset = 0;
    this.truth = null;
  }

  async open() {
    const stored = (await this.queue.get("clock")) ?? { runs: [], offset: 0 };
    this.runs = stored.runs;
    this.offset = stored.offset;
    const before = this.runs.at(-1);
    await this.begin(before && Date.now() + this.offset < before.end ? "back" : "load");
  }

  get run() {
    return this.runs.at(-1).run;
  }

  // ms since 1970 UTC by the clock of this run.
  now() {
    return Math.round(this.base + performance.now() - this.mark);
  }

  async begin(how, error = null) {
    this.base = Date.now() + this.offset;
    this.mark = performance.now();
    const run = (this.runs.at(-1)?.run ?? 0) + 1;
    this.runs = [...this.runs, { run, how, end: this.now(), error }].slice(-RUNS);
    return this.save();
  }

  async save(options) {
    this.runs.at(-1).end = this.now();
    return this.queue.set("clock", { runs: this.runs, offset: this.offset }, options);
  }

  // Begins a run where the tablet's clock and time went apart: it was set, or the tablet slept.
  async watch() {
    if (Math.abs(Date.now() + this.offset - this.now()) > JUMP_MS) await this.begin("jump");
  }

  // What an answer says about the clock of this run: the server's time, and the run's clock around the request.
  async learn(time, sent, received) {
    this.truth = { time: time + (received - sent) / 2, mark: performance.now() };
    const error = Math.round(time - (sent + received) / 2);
    this.runs.at(-1).error = error;
    if (Math.abs(error) > WRONG_MS && received - sent < WRONG_MS) {
      this.offset += error;
      await this.begin("set", 0);
    } else {
      await this.save();
    }
  }

  // The server's time now; null as long as it has not answered.
  trueNow() {
    return this.truth && Math.round(this.truth.time + performance.now() - this.truth.mark);
  }

  // What the clock of a run would say now; null as long as the server's time is unknown.
  nowOf(run) {
    if (run === this.run) return this.now();
    const now = this.trueNow();
    return now === null ? null : now - this.errorOf(run);
  }

  // How far the clock of a run is behind the server's. Of a run without an answer it is that of the next run, unless
  // something shows that the clock was set between them; then that of the run before.
  errorOf(run) {
    const index = this.runs.findIndex((each) => each.run === run);
    if (index < 0) return 0;
    for (let next = index; next < this.runs.length; next++) {
      if (next > index && this.runs[next].how !== "load") break;
      if (this.runs[next].error !== null) return this.runs[next].error;
    }
    return this.runs.slice(0, index).findLast((each) => each.error !== null)?.error ?? 0;
  }
}
