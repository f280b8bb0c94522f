// The client for the calls that need no access token: sign up, log in, refresh.
import { createClient } from "@connectrpc/connect";
import { UserService } from "../gen/shopmesh/user/v1/user_service_pb";
import { publicTransport } from "../rpc/public-transport";

export const authClient = createClient(UserService, publicTransport);
