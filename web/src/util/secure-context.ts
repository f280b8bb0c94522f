// What the person reads where the browser withholds what the shop needs: by plain HTTP it has no Web
// Locks, and does not store the cookie of the session. localhost is exempt.

export const NEEDS_HTTPS =
  "The shop needs a secure connection. Open this page by its address that starts with https://.";
