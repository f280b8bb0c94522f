// The way to the mesh for what is drawn first: the clients are five times the weight of the page that
// shows the products, so it does not wait for them.
let asked: Promise<typeof import("./index")> | undefined;

/** The clients, and what their errors mean. */
export function rpc(): Promise<typeof import("./index")> {
  asked ??= import("./index").catch((error) => {
    asked = undefined;
    throw error;
  });
  return asked;
}
