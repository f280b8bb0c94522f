// News of what a page shows: one stream a page, and only while somebody looks, for a browser has few
// connections to a host. Its first message is the state as it is, so nothing is missed in between;
// where no stream can be had, the page asks now and then.
import { onCleanup } from "solid-js";

/** The first message comes at once, and then a heartbeat every 20 seconds; else the stream is dead. */
const FIRST_MESSAGE_MAX_MS = 10_000;
const SILENCE_MAX_MS = 45_000;
/** Between a stream and the next one; it doubles with each that told nothing. */
const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 10_000;

export interface Source<T> {
  open(signal: AbortSignal): Promise<AsyncIterable<T>>;
  take(news: T): void;
  /** Stands in for a stream that failed. */
  ask(): void;
}

/** Follows the source for as long as the component lives. */
export function createLive<T extends { heartbeat: boolean }>(source: Source<T>): void {
  let seen: AbortController | undefined;
  const look = () => {
    seen?.abort();
    seen = document.visibilityState === "visible" ? new AbortController() : undefined;
    if (seen) follow(source, seen.signal);
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("online", look);
  onCleanup(() => {
    document.removeEventListener("visibilitychange", look);
    removeEventListener("online", look);
    seen?.abort();
  });
  look();
}

async function follow<T extends { heartbeat: boolean }>(source: Source<T>, signal: AbortSignal) {
  let pause = PAUSE_MIN_MS;
  while (!signal.aborted) {
    let told = false;
    const failed = await read(source, signal, () => {
      told = true;
    });
    if (signal.aborted) return;
    if (failed) source.ask();
    pause = told ? PAUSE_MIN_MS : Math.min(pause * 2, PAUSE_MAX_MS);
    // Not all at the same moment, where a service restarts under many pages.
    await wait(pause * (1 + Math.random()), signal);
  }
}

/** Reads a stream to its end; true where that is a failure. */
async function read<T extends { heartbeat: boolean }>(
  source: Source<T>,
  signal: AbortSignal,
  heard: () => void,
): Promise<boolean> {
  const silence = new AbortController();
  let alarm = setTimeout(() => silence.abort(), FIRST_MESSAGE_MAX_MS);
  try {
    for await (const news of await source.open(AbortSignal.any([signal, silence.signal]))) {
      clearTimeout(alarm);
      alarm = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
      if (signal.aborted) break;
      heard();
      if (!news.heartbeat) source.take(news);
    }
    return false;
  } catch {
    return true;
  } finally {
    clearTimeout(alarm);
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
