// What the page asks of the device: a screen that stays on, full screen, and a disk that is not cleared.

export class Device {
  leavesFullScreen = false;

  // Browsers end the lock whenever the page is hidden; it is asked for again when it is visible.
  async keepAwake() {
    if (document.visibilityState !== "visible" || this.staysAwake()) return;
    this.lock = await navigator.wakeLock?.request("screen").catch(() => null);
  }

  staysAwake() {
    return Boolean(this.lock && !this.lock.released);
  }

  async isPersistent() {
    return Boolean(await navigator.storage?.persisted?.());
  }

  isInstalled() {
    return Boolean(navigator.standalone) || matchMedia("(display-mode: fullscreen), (display-mode: standalone)").matches;
  }

  // Escape then leaves the full screen only when it is held, where the browser allows that.
  async fullScreen() {
    if (document.fullscreenElement || this.leavesFullScreen) return;
    try {
      await document.documentElement.requestFullscreen?.();
      await navigator.keyboard?.lock?.(["Escape"]);
    } catch {
      // An installed page has the whole screen without asking.
    }
  }

  toggleFullScreen() {
    this.leavesFullScreen = Boolean(document.fullscreenElement);
    if (this.leavesFullScreen) document.exitFullscreen();
    else this.fullScreen();
  }
}
