// Subscribes a page to updates of what it shows. A browser has few connections to a host, so a page
// has one stream, and only while it is visible. The first update is the whole state, so nothing is
// missed between two streams; if no stream can be opened, the page reloads its data instead.
import { onCleanup } from "solid-js";

/** The first message comes at once, then a heartbeat every 20 seconds; else the stream is broken. */
const FIRST_MESSAGE_MAX_MS = 10_000;
const SILENCE_MAX_MS = 45_000;
/** The delay before the next stream. It doubles with each stream that sends no message. */
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 10_000;

export interface Source<T> {
  open(signal: AbortSignal): Promise<AsyncIterable<T>>;
  onUpdate(update: T): void;
  /** Is called when a stream fails. */
  reload(): void;
}

/** Subscribes to the source until the component is removed. */
export function createSubscription<T extends { heartbeat: boolean }>(source: Source<T>): void {
  let visible: AbortController | undefined;
  const restart = () => {
    visible?.abort();
    visible = document.visibilityState === "visible" ? new AbortController() : undefined;
    if (visible) subscribe(source, visible.signal);
  };
  document.addEventListener("visibilitychange", restart);
  addEventListener("online", restart);
  onCleanup(() => {
    document.removeEventListener("visibilitychange", restart);
    removeEventListener("online", restart);
    visible?.abort();
  });
  restart();
}

async function subscribe<T extends { heartbeat: boolean }>(
  source: Source<T>,
  signal: AbortSignal,
): Promise<void> {
  let backoff = BACKOFF_MIN_MS;
  while (!signal.aborted) {
    let received = false;
    const failed = await readStream(source, signal, () => {
      received = true;
    });
    if (signal.aborted) return;
    if (failed) source.reload();
    backoff = received ? BACKOFF_MIN_MS : Math.min(backoff * 2, BACKOFF_MAX_MS);
    // With jitter, because a restarted service has many pages to serve.
    await wait(backoff * (1 + Math.random()), signal);
  }
}

/** Reads a stream to its end. Returns whether it failed. */
async function readStream<T extends { heartbeat: boolean }>(
  source: Source<T>,
  signal: AbortSignal,
  onMessage: () => void,
): Promise<boolean> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), FIRST_MESSAGE_MAX_MS);
  try {
    for await (const message of await source.open(AbortSignal.any([signal, silence.signal]))) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
      if (signal.aborted) break;
      onMessage();
      if (!message.heartbeat) source.onUpdate(message);
    }
    return false;
  } catch {
    return true;
  } finally {
    clearTimeout(timer);
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
