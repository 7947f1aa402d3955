// The PIN of the staff. How often it was wrong is stored, so that loading the page anew does not end the wait.

const ROUNDS = 300_000;
const FREE_TRIES = 5;
const MOST_SECONDS = 300;

const hashed = async (pin, salt, iterations) => {
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256);
  return [...new Uint8Array(bits)].join();
};

export const pinOf = async (pin) => {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  return { salt, rounds: ROUNDS, hash: await hashed(pin, salt, ROUNDS) };
};

export class PinGate {
  constructor(queue) {
    this.queue = queue;
    this.until = 0;
  }

  async open() {
    this.wrong = (await this.queue.get("wrong")) ?? 0;
    this.hold();
  }

  // Seconds until the next PIN is looked at.
  get seconds() {
    return Math.max(0, Math.ceil((this.until - performance.now()) / 1_000));
  }

  // A try counts before it is looked at: many at once are no way around the wait.
  async admits(pin) {
    if (this.seconds) return false;
    await this.count(this.wrong + 1);
    const { salt, rounds, hash } = await this.queue.get("pin");
    if ((await hashed(pin, salt, rounds ?? 100_000)) !== hash) return false;
    await this.count(0);
    return true;
  }

  async count(wrong) {
    this.wrong = wrong;
    this.hold();
    await this.queue.set("wrong", wrong).catch(() => {});
  }

  hold() {
    const wait = this.wrong < FREE_TRIES ? 0 : Math.min(MOST_SECONDS, 2 ** (this.wrong - FREE_TRIES + 3));
    this.until = performance.now() + 1_000 * wait;
  }
}
