// The clients of the mesh. What a method needs is read from the contract: one that is not for
// everyone gets the access token of the session, and no second list says which those are.
import { getOption } from "@bufbuild/protobuf";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { Access, access } from "../gen/shopmesh/options/v1/access_pb";
import { OrderService } from "../gen/shopmesh/order/v1/order_service_pb";
import { ProductService } from "../gen/shopmesh/product/v1/product_service_pb";
import { UserService } from "../gen/shopmesh/user/v1/user_service_pb";
import { currentToken, tokenAfter } from "../session";
import { reasonOf } from "./errors";

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

export const transport = createGrpcWebTransport({
  baseUrl: location.origin,
  defaultTimeoutMs: CALL_TIMEOUT_MS,
  interceptors: [authorize],
});

export const products = createClient(ProductService, transport);
export const orders = createClient(OrderService, transport);
export const users = createClient(UserService, transport);
