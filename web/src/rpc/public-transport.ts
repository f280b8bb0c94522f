// gRPC-Web to the gateway, without an access token.
import type { Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { TRACEPARENT, traceparent } from "./trace";

const CALL_TIMEOUT_MS = 15_000;

const trace: Interceptor = (next) => (request) => {
  request.header.set(TRACEPARENT, traceparent());
  return next(request);
};

export function createTransport(interceptors: Interceptor[]) {
  return createGrpcWebTransport({
    baseUrl: location.origin,
    defaultTimeoutMs: CALL_TIMEOUT_MS,
    interceptors: [trace, ...interceptors],
  });
}

export const publicTransport = createTransport([]);
