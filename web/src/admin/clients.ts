// The clients that only admins need.
import { createClient } from "@connectrpc/connect";
import { NotificationService } from "../gen/shopmesh/notify/v1/notification_service_pb";
import { OrderAdminService } from "../gen/shopmesh/order/v1/order_admin_service_pb";
import { InventoryService } from "../gen/shopmesh/product/v1/inventory_service_pb";
import { AuditService } from "../gen/shopmesh/user/v1/audit_service_pb";
import { transport } from "../rpc/transport";

export const inventory = createClient(InventoryService, transport);
export const orderAdmin = createClient(OrderAdminService, transport);
export const notifications = createClient(NotificationService, transport);
export const audit = createClient(AuditService, transport);
