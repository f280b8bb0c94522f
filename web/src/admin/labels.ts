// The labels that only admins see.
import {
  NotificationKind,
  NotificationState,
} from "../gen/shopmesh/notify/v1/notification_service_pb";
import {
  InventoryChangeReason,
  InventoryReason,
} from "../gen/shopmesh/product/v1/inventory_service_pb";

export const REASON_OPTIONS = [
  { value: InventoryReason.RECEIVED, text: "Received" },
  { value: InventoryReason.COUNTED, text: "Counted" },
  { value: InventoryReason.DAMAGED, text: "Damaged" },
  { value: InventoryReason.LOST, text: "Lost" },
  { value: InventoryReason.CUSTOMER_RETURN, text: "Returned by a customer" },
  { value: InventoryReason.OTHER, text: "Other" },
];

export function ledgerReasonLabel(reason: InventoryChangeReason): string {
  switch (reason) {
    case InventoryChangeReason.ORDER_PLACED:
      return "Ordered";
    case InventoryChangeReason.ORDER_CANCELLED:
      return "Order cancelled";
    case InventoryChangeReason.IMPORTED:
      return "Imported";
    default:
      // The reasons that an admin can choose have the same numbers in both enums.
      return REASON_OPTIONS.find(({ value }) => Number(value) === Number(reason))?.text ?? "";
  }
}

export function notificationKindLabel(kind: NotificationKind): string {
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
      return "Address verification";
    case NotificationKind.PASSWORD_RESET:
      return "Password reset";
    case NotificationKind.PASSWORD_CHANGED:
      return "Password changed";
    default:
      return "Mail";
  }
}

export function notificationStateLabel(state: NotificationState): string {
  switch (state) {
    case NotificationState.SENT:
      return "Sent";
    case NotificationState.FAILED:
      return "Failed";
    default:
      return "On its way";
  }
}

/** Formats a whole number with its sign: `+5`, `−2`. */
export const signedNumber = new Intl.NumberFormat(undefined, { signDisplay: "exceptZero" });
export const wholeNumber = new Intl.NumberFormat();
