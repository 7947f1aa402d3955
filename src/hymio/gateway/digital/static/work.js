// The proof of work of a press: the first number whose SHA-256 with the press's id begins with BITS zero bits. A page
// without HTTPS has no SHA-256, so the press goes without and is flagged.
async (press) => {
  try {
    for (let number = 0; ; number++) {
      const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(press.id + ":" + number));
      if (!(new DataView(hash).getUint32(0) >>> 32 - BITS)) return press.work = "" + number;
    }
  } catch {}
}
