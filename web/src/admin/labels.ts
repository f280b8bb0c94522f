// How what only admins see is called.
import {
  NotificationKind,
  NotificationState,
} from "../gen/shopmesh/notify/v1/notification_service_pb";
import {
  InventoryChangeReason,
  InventoryReason,
} from "../gen/shopmesh/product/v1/inventory_service_pb";

export const REASONS = [
  { value: InventoryReason.RECEIVED, text: "Goods came in" },
  { value: InventoryReason.COUNTED, text: "Counted" },
  { value: InventoryReason.DAMAGED, text: "Damaged" },
  { value: InventoryReason.LOST, text: "Lost" },
  { value: InventoryReason.CUSTOMER_RETURN, text: "Customer sent it back" },
  { value: InventoryReason.OTHER, text: "Something else" },
];

export function changeWords(reason: InventoryChangeReason): string {
  switch (reason) {
    case InventoryChangeReason.ORDER_PLACED:
      return "Ordered";
    case InventoryChangeReason.ORDER_CANCELLED:
      return "Order cancelled";
    case InventoryChangeReason.IMPORTED:
      return "Imported";
    default:
      // An admin's reasons have the same numbers in both enums.
      return REASONS.find(({ value }) => Number(value) === Number(reason))?.text ?? "";
  }
}

export function kindWords(kind: NotificationKind): string {
  switch (kind) {
    case NotificationKind.ORDER_CONFIRMATION:
      return "Order confirmed";
    case NotificationKind.ORDER_SHIPPED:
      return "Order shipped";
    case NotificationKind.ORDER_CANCELLED:
      return "Order cancelled";
    case NotificationKind.WELCOME:
      return "Welcome";
    case NotificationKind.EMAIL_VERIFICATION:
      return "Link to verify an address";
    case NotificationKind.PASSWORD_RESET:
      return "Link to set a password";
    case NotificationKind.PASSWORD_CHANGED:
      return "Password changed";
    default:
      return "Mail";
  }
}

export function notificationWords(state: NotificationState): string {
  switch (state) {
    case NotificationState.SENT:
      return "Sent";
    case NotificationState.FAILED:
      return "Failed";
    default:
      return "On its way";
  }
}

/** A whole number with its sign: `+5`, `−2`. */
export const signed = new Intl.NumberFormat(undefined, { signDisplay: "exceptZero" });
export const whole = new Intl.NumberFormat();
