import { createClient } from "@connectrpc/connect";
import { UserService } from "../gen/shopmesh/user/v1/user_service_pb";
import { transport } from "./transport";

export const users = createClient(UserService, transport);
