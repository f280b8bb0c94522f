// The way of the clients to the mesh; each service's client is a file of its own beside this one, for reading a
// contract takes a slow phone a while. What a method needs is read from there: one that is not for
// everyone gets the access token of the session, and no second list says which those are.
import { getOption } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { Access, access } from "../gen/shopmesh/options/v1/access_pb";
import { currentToken, tokenAfter } from "../session/session";
import { reasonOf } from "./errors";
import { TRACEPARENT, traceparent } from "./trace";

const CALL_TIMEOUT_MS = 15_000;

const authorize: Interceptor = (next) => async (request) => {
  if (getOption(request.method, access) === Access.PUBLIC) return next(request);
  const token = await currentToken();
  request.header.set("authorization", `Bearer ${token}`);
  try {
    return await next(request);
  } catch (error) {
    // Refused before anything was done, so asking again with a fresh token is safe.
    if (!["TOKEN_EXPIRED", "TOKEN_INVALID"].includes(reasonOf(error))) throw error;
    request.header.set("authorization", `Bearer ${await tokenAfter(token)}`);
    return next(request);
  }
};

const trace: Interceptor = (next) => (request) => {
  request.header.set(TRACEPARENT, traceparent());
  return next(request);
};

export const transport = createGrpcWebTransport({
  baseUrl: location.origin,
  defaultTimeoutMs: CALL_TIMEOUT_MS,
  interceptors: [trace, authorize],
});
