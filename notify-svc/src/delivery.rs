//! The delivery of a mail: claims, replies of the mail server, and the rules that decide
//! what follows from a reply.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    Queryable, QueryableByName, Selectable,
    pg::Pg,
    sql_types::{Binary, Nullable, Text, Uuid as SqlUuid},
};
use mesh_data::outbox::NewEvent;
use uuid::Uuid;

use crate::{
    notification::{NotificationId, NotificationKind, NotificationState},
    schema::{deliveries, delivery_attempts},
};

pub(crate) mod results;
pub(crate) mod statistics;
pub(crate) mod worker;

/// Longest text of a reply that is stored.
const REPLY_CHARACTERS_MAX: usize = 500;
const RETRY_DELAY_MAX: Duration = Duration::from_secs(3600);
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
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) traceparent: Option<String>,
    pub(crate) pending_since: DateTime<Utc>,
    pub(crate) version: i64,
    pub(crate) attempt_count: i32,
    pub(crate) cut_off_count: i32,
    pub(crate) resend_count: i32,
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

/// A reply of the mail server about a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// SMTP reply code. 0: the mail could not be composed and was not sent to the server.
    pub(crate) code: u16,
    pub(crate) text: String,
}

impl Reply {
    /// Creates a reply. The text is shortened and becomes one line.
    pub fn new(code: u16, text: &str) -> Self {
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self { code, text: plain.take(REPLY_CHARACTERS_MAX).collect() }
    }

    /// Returns the outcome of the attempt that followed `attempt_count` others. Only 250
    /// accepts a mail.
    pub(crate) fn outcome(&self, attempt_count: i32, retry: RetryPolicy, jitter: f64) -> Outcome {
        let attempts = u32::try_from(attempt_count).unwrap_or(0);
        match self.code {
            250 => Outcome::Sent,
            400..500 if attempts + 1 < u32::from(retry.attempts_max) => {
                Outcome::Retry { delay: retry.delay(attempts, jitter) }
            }
            _ => Outcome::Failed,
        }
    }
}

/// When and how often a mail is retried that was rejected temporarily.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// Including the first attempt.
    pub(crate) attempts_max: u16,
    /// Delay after the first attempt.
    pub(crate) delay_min: Duration,
}

impl RetryPolicy {
    /// Returns the delay after `earlier + 1` rejections: exponential backoff, of which
    /// `jitter`, from 0 to 1, selects between half and all.
    pub(crate) fn delay(&self, earlier: u32, jitter: f64) -> Duration {
        let doubled = self.delay_min.saturating_mul(1 << earlier.min(20));
        doubled.min(RETRY_DELAY_MAX).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
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
    /// The mail was rejected permanently, or too often.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: RetryPolicy = RetryPolicy { attempts_max: 3, delay_min: Duration::from_secs(30) };

    #[test]
    fn only_250_accepts_a_mail_and_only_4xx_is_retried() {
        let delay = Duration::from_secs(30);
        for (code, attempt_count, outcome) in [
            (250, 0, Outcome::Sent),
            (251, 0, Outcome::Failed),
            (451, 0, Outcome::Retry { delay }),
            (451, 1, Outcome::Retry { delay: delay * 2 }),
            (451, 2, Outcome::Failed),
            (550, 0, Outcome::Failed),
            (0, 0, Outcome::Failed),
        ] {
            let reply = Reply::new(code, "");
            assert_eq!(reply.outcome(attempt_count, RETRY, 1.0), outcome, "{code}");
        }
    }

    #[test]
    fn delays_double_up_to_an_hour_and_jitter_takes_at_most_half() {
        for earlier in 0..100 {
            let (least, most) = (RETRY.delay(earlier, 0.0), RETRY.delay(earlier, 1.0));
            assert_eq!(least * 2, most);
            assert!(least >= Duration::from_secs(15) && most <= RETRY_DELAY_MAX);
        }
        assert_eq!(RETRY.delay(2, 1.0), Duration::from_secs(120));
        assert_eq!(RETRY.delay(50, 1.0), RETRY_DELAY_MAX);
    }

    #[test]
    fn the_text_of_a_reply_is_one_line_of_bounded_length() {
        let reply = Reply::new(550, &"no\r\nsuch ".repeat(200));
        assert_eq!(reply.text.chars().count(), REPLY_CHARACTERS_MAX);
        assert!(!reply.text.contains(['\r', '\n']));
    }
}
