import { createClient } from "@connectrpc/connect";
import { OrderService } from "../gen/shopmesh/order/v1/order_service_pb";
import { transport } from "./transport";

export const orders = createClient(OrderService, transport);
