// The trace of a call begins where a person acts: its id goes with the call through the mesh, from hop to hop and
// with the event to the mail (W3C Trace Context).

/** The header's name. */
export const TRACEPARENT = "traceparent";

/** A trace of its own for one call: version, ids of trace and span, and that it may be recorded. */
export function traceparent(): string {
  const id = crypto.getRandomValues(new Uint8Array(24));
  const hex = Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}
