//! The delivery of a mail: claims, and the results that end them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    Queryable, QueryableByName, Selectable,
    pg::Pg,
    sql_types::{Binary, Bool, Nullable, Text, Uuid as SqlUuid},
};
use mesh_data::outbox::NewEvent;
use uuid::Uuid;

use crate::{
    notification::{NotificationId, NotificationKind, NotificationState},
    schema::{deliveries, delivery_attempts},
};

pub(crate) mod composer;
pub(crate) mod pause;
mod reply;
pub(crate) mod results;
pub(crate) mod statistics;
pub(crate) mod worker;

pub use reply::Reply;
pub(crate) use reply::{Attempts, RetryPolicy, Step};

/// How long a claim is exclusive unless it is renewed.
pub(crate) const LEASE_DURATION: Duration = Duration::from_secs(15);
/// Delay after the first transport error of a mail.
const POSTPONEMENT_MIN: Duration = Duration::from_secs(1);
const POSTPONEMENT_MAX: Duration = Duration::from_secs(300);

/// A mail that a worker has claimed, exclusively until its lease expires.
#[derive(Debug, Clone, QueryableByName)]
#[diesel(table_name = deliveries, check_for_backend(Pg))]
pub struct ClaimedMail {
    /// Id of the notification.
    #[diesel(column_name = notification_id)]
    pub id: NotificationId,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) claim_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) kind: NotificationKind,
    #[diesel(sql_type = Text)]
    pub(crate) recipient: String,
    #[diesel(sql_type = Text)]
    pub(crate) subject: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(crate) order_id: Option<Uuid>,
    #[diesel(sql_type = Binary)]
    pub(crate) payload: Vec<u8>,
    #[diesel(sql_type = Bool)]
    pub(crate) over_limit: bool,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) traceparent: Option<String>,
    pub(crate) pending_since: DateTime<Utc>,
    pub(crate) version: i64,
    pub(crate) cut_off_count: i32,
    pub(crate) resend_count: i32,
    #[diesel(embed)]
    pub(crate) attempts: Attempts,
}

impl ClaimedMail {
    /// Returns the Message-ID at `domain`. It stays the same until the mail is resent, so
    /// that a mail server can detect a duplicate.
    pub(crate) fn message_id(&self, domain: &str) -> String {
        format!("<{}.{}@{domain}>", self.id, self.resend_count)
    }

    /// Returns the delay after a transport error. It doubles each time: the mail itself may
    /// be the cause, and other mails should be sent first.
    pub(crate) fn postponement(&self) -> Duration {
        let times = u32::try_from(self.cut_off_count).unwrap_or(0).min(20);
        POSTPONEMENT_MIN.saturating_mul(1 << times).min(POSTPONEMENT_MAX)
    }
}

/// What follows from a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The mail was accepted.
    Sent,
    /// The mail was rejected temporarily.
    Retry {
        /// Time until the next attempt.
        delay: Duration,
    },
    /// The mail was rejected permanently, or for too long, or its outcome is unknown too often.
    Failed,
}

impl Outcome {
    /// Returns the new state of the mail.
    pub(crate) fn state(self) -> NotificationState {
        match self {
            Self::Sent => NotificationState::Sent,
            Self::Retry { .. } => NotificationState::Pending,
            Self::Failed => NotificationState::Failed,
        }
    }
}

/// A reply and its outcome, to be recorded by the owner of the claim.
#[derive(Debug, Clone)]
pub struct DeliveryResult {
    /// Id of the notification.
    pub id: NotificationId,
    /// The claim under which the mail was sent.
    pub claim_id: Uuid,
    /// What follows from the reply.
    pub outcome: Outcome,
    /// The reply of the mail server.
    pub reply: Reply,
    /// Message-ID of the mail.
    pub message_id: String,
    /// Published if the state changes. Created with the result, in the trace of the mail.
    pub event: Option<NewEvent>,
}

/// A recorded reply.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = delivery_attempts, check_for_backend(Pg))]
pub(crate) struct DeliveryAttempt {
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) reply_code: i32,
    pub(crate) reply_text: String,
    pub(crate) message_id: String,
}

/// Number of mails in each state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryStatistics {
    pub(crate) pending: i64,
    pub(crate) sent: i64,
    pub(crate) failed: i64,
    pub(crate) oldest_pending_age: Option<Duration>,
    /// Of those without an attempt: they wait for us or for the mail server, not for a retry.
    pub(crate) oldest_unattempted_age: Option<Duration>,
}
