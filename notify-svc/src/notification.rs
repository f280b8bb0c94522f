//! A notification: a mail that an event requests, and the state of its delivery. Knows
//! nothing of the content of the mail.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    Queryable, QueryableByName, Selectable,
    pg::Pg,
    sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::schema::{deliveries, notifications};

pub(crate) mod inbox;
pub(crate) mod lookup;
pub(crate) mod resend;
pub mod retention;

mesh_data::id_type!(
    /// Id of a notification.
    NotificationId
);

impl NotificationId {
    /// Returns the least id that is created at `time` or later: ids are UUIDv7.
    pub(crate) fn first_at(time: DateTime<Utc>) -> Self {
        let milliseconds = u64::try_from(time.timestamp_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid())
    }
}

mesh_data::text_enum! {
    /// Kind of a mail.
    pub enum NotificationKind {
        /// Confirms an order.
        OrderConfirmation = "ORDER_CONFIRMATION",
        /// Notifies that an order was shipped.
        OrderShipped = "ORDER_SHIPPED",
        /// Notifies that an order was cancelled.
        OrderCancelled = "ORDER_CANCELLED",
        /// Welcomes a new account.
        Welcome = "WELCOME",
        /// Carries a link that verifies an address.
        EmailVerification = "EMAIL_VERIFICATION",
        /// Carries a link that sets a new password.
        PasswordReset = "PASSWORD_RESET",
        /// Notifies that a password was changed.
        PasswordChanged = "PASSWORD_CHANGED",
    }
}

mesh_data::text_enum! {
    /// Delivery state of a mail: PENDING, then SENT or FAILED. A resend makes it PENDING
    /// again.
    pub enum NotificationState {
        /// Waits for its next attempt.
        Pending = "PENDING",
        /// The mail server accepted it.
        Sent = "SENT",
        /// Rejected permanently, or after the last attempt.
        Failed = "FAILED",
    }
}

/// A mail and its delivery.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = notifications, check_for_backend(Pg))]
pub(crate) struct Notification {
    pub(crate) id: NotificationId,
    pub(crate) kind: NotificationKind,
    pub(crate) recipient: String,
    pub(crate) subject: String,
    /// The order that the mail is about, if any.
    pub(crate) order_id: Option<Uuid>,
    /// When the event was received.
    pub(crate) created_at: DateTime<Utc>,
    #[diesel(embed)]
    pub(crate) delivery: Delivery,
}

/// The progress of the delivery of a mail.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = deliveries, check_for_backend(Pg))]
pub(crate) struct Delivery {
    pub(crate) state: NotificationState,
    /// When the next attempt is due, if the mail is pending.
    pub(crate) due_at: DateTime<Utc>,
    /// Replies of the mail server since the mail was requested or resent.
    pub(crate) attempt_count: i32,
    pub(crate) resend_count: i32,
    pub(crate) sent_at: Option<DateTime<Utc>>,
}

/// A notification to insert into the inbox.
#[derive(Debug, Clone)]
pub struct NewNotification {
    pub(crate) event_id: Uuid,
    pub(crate) kind: NotificationKind,
    /// Empty: no mail is sent.
    pub(crate) recipient: String,
    /// Whether the owner of the address has verified it.
    pub(crate) email_verified: bool,
    pub(crate) subject: String,
    pub(crate) order_id: Option<Uuid>,
    /// The event, encoded: the source of the mail's content.
    pub(crate) payload: Vec<u8>,
    pub(crate) traceparent: Option<String>,
}

/// Selects notifications that match all of its conditions.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NotificationFilter {
    /// Empty: any state.
    pub(crate) states: Vec<NotificationState>,
    pub(crate) order_id: Option<Uuid>,
    /// The whole address, compared without case.
    pub(crate) recipient: Option<String>,
}

/// Selects notifications to resend, by all of its conditions.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ResendFilter {
    /// `Sent` or `Failed`; at least one.
    pub(crate) states: Vec<NotificationState>,
    pub(crate) id: Option<NotificationId>,
    /// Received at this time or later.
    pub(crate) start: Option<DateTime<Utc>>,
    /// Received before this time.
    pub(crate) end: Option<DateTime<Utc>>,
    pub(crate) order_id: Option<Uuid>,
    /// The whole address, compared without case.
    pub(crate) recipient: Option<String>,
}

/// How long notifications are kept after their mail was sent or has failed.
#[derive(Debug, Clone, Copy)]
pub struct RetentionPolicy {
    /// The content of the mail.
    pub(crate) content: Duration,
    /// The notification itself, and its attempts.
    pub(crate) notification: Duration,
}

/// A notification that a filter selects for a resend.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Resent {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: NotificationId,
    #[diesel(sql_type = Text)]
    pub(crate) kind: NotificationKind,
    /// Its state before.
    #[diesel(sql_type = Text)]
    pub(crate) state: NotificationState,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(crate) order_id: Option<Uuid>,
    /// The new version of its state. None: it is beyond the limit, and unchanged.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) version: Option<i64>,
}

/// The sort key of a list of notifications.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub(crate) id: NotificationId,
}
