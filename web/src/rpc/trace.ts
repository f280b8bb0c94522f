// The trace of a call starts in the browser (W3C Trace Context). Its id goes with the call from hop
// to hop through the mesh, and with the event to the mail.

export const TRACEPARENT = "traceparent";

/** Returns a new trace for one call: version, trace id, span id, and the flag "sampled". */
export function traceparent(): string {
  const id = crypto.getRandomValues(new Uint8Array(24));
  const hex = Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}
