// All that a page needs of the mesh, as one piece that can come later: see later.ts.
export * from "./clients";
export * from "./errors";
