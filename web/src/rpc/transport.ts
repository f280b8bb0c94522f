// gRPC-Web to the gateway, with the access token of the session. Whether a method needs one is read
// from the contract, so there is no second list of methods. Each client is a file of its own beside
// this one, because a slow phone needs a while to read a contract.
import { getOption } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { Access, access } from "../gen/shopmesh/options/v1/access_pb";
import { currentToken, tokenNewerThan } from "../session/token";
import { reasonOf } from "./errors";
import { createTransport } from "./public-transport";

const authorize: Interceptor = (next) => async (request) => {
  if (getOption(request.method, access) === Access.PUBLIC) return next(request);
  const token = await currentToken();
  request.header.set("authorization", `Bearer ${token}`);
  try {
    return await next(request);
  } catch (error) {
    // The mesh rejects a token before the call has any effect, so a retry is safe.
    if (!["TOKEN_EXPIRED", "TOKEN_INVALID"].includes(reasonOf(error))) throw error;
    request.header.set("authorization", `Bearer ${await tokenNewerThan(token)}`);
    return next(request);
  }
};

export const transport = createTransport([authorize]);
