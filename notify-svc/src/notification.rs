//! What a notification is: a mail that an event asks for, and the states it goes
//! through. Does no I/O, and knows nothing of what the mail says.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mesh_data::outbox::NewEvent;
use uuid::Uuid;

mesh_data::id_type!(
    /// Id of a notification.
    NotificationId
);

/// Longest text of the mail server that is kept, in characters.
const REPLY_CHARACTERS_MAX: usize = 500;
/// Longest wait between two attempts.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(3600);
/// Wait of a mail that got no answer, the first time and at most.
const POSTPONEMENT_MIN: Duration = Duration::from_secs(1);
const POSTPONEMENT_MAX: Duration = Duration::from_secs(300);

mesh_data::text_enum! {
    /// Which mail it is.
    pub enum NotificationKind {
        /// Confirms an order.
        OrderConfirmation = "ORDER_CONFIRMATION",
        /// Tells that an order is on its way.
        OrderShipped = "ORDER_SHIPPED",
        /// Tells that an order was cancelled.
        OrderCancelled = "ORDER_CANCELLED",
        /// Greets a new account.
        Welcome = "WELCOME",
        /// Carries a link that verifies an address.
        EmailVerification = "EMAIL_VERIFICATION",
        /// Carries a link that sets a new password.
        PasswordReset = "PASSWORD_RESET",
        /// Tells that a password was changed.
        PasswordChanged = "PASSWORD_CHANGED",
    }
}

mesh_data::text_enum! {
    /// What became of a mail: PENDING, then SENT or FAILED; an admin makes it PENDING
    /// again.
    pub enum NotificationState {
        /// Waits for a worker, or for its next attempt.
        Pending = "PENDING",
        /// The mail server has taken it.
        Sent = "SENT",
        /// Refused for good, or too often.
        Failed = "FAILED",
    }
}

/// A mail and what became of it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Notification {
    pub id: NotificationId,
    pub kind: NotificationKind,
    pub recipient: String,
    pub subject: String,
    /// The order that it is about, if it is about one.
    pub order_id: Option<Uuid>,
    /// When its event came.
    pub created_at: DateTime<Utc>,
    pub state: NotificationState,
    /// Grows with each change of state.
    pub version: i64,
    /// When the next attempt is due, while it is pending.
    pub due_at: DateTime<Utc>,
    /// Answers of the mail server since it was last asked for.
    pub attempt_count: i32,
    /// How many times an admin had it sent again.
    pub resend_count: i32,
    pub sent_at: Option<DateTime<Utc>>,
}

/// One answer of the mail server, as it is kept.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct DeliveryAttempt {
    pub created_at: DateTime<Utc>,
    pub reply: Reply,
    pub message_id: String,
}

/// A notification that an event asks for.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewNotification {
    pub event_id: Uuid,
    pub kind: NotificationKind,
    /// Where it goes; empty: nowhere, and there is no notification.
    pub recipient: String,
    pub subject: String,
    pub order_id: Option<Uuid>,
    /// The event, encoded.
    pub payload: Vec<u8>,
    pub traceparent: Option<String>,
}

/// A notification that a worker has, for as long as its lease lasts.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Claimed {
    pub id: NotificationId,
    pub claim_id: Uuid,
    pub kind: NotificationKind,
    pub recipient: String,
    pub order_id: Option<Uuid>,
    pub payload: Vec<u8>,
    pub traceparent: Option<String>,
    pub pending_since: DateTime<Utc>,
    pub version: i64,
    pub attempt_count: i32,
    pub cut_off_count: i32,
    pub resend_count: i32,
}

impl Claimed {
    /// The Message-ID of the mail at `domain`: the same for every attempt until it is
    /// asked for again, so that a mail server can tell a double.
    pub fn message_id(&self, domain: &str) -> String {
        format!("<{}.{}@{domain}>", self.id, self.resend_count)
    }

    /// How long the mail waits after it got no answer. Longer each time: it may be what
    /// the server stumbles over, and others are to go before it.
    pub fn postponement(&self) -> Duration {
        let times = u32::try_from(self.cut_off_count).unwrap_or(0).min(20);
        POSTPONEMENT_MIN.saturating_mul(1 << times).min(POSTPONEMENT_MAX)
    }
}

/// What the mail server answered about a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// SMTP reply code; 0 where no mail could be made and the server was not asked.
    pub code: u16,
    /// What it said.
    pub text: String,
}

impl Reply {
    /// A reply whose text is cut to what is kept, and is one line.
    pub fn new(code: u16, text: &str) -> Self {
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self { code, text: plain.take(REPLY_CHARACTERS_MAX).collect() }
    }

    /// What becomes of a mail that got this answer after `attempt_count` others. A
    /// mail is accepted by 250 only.
    pub fn outcome(&self, attempt_count: i32, retry: Retry, jitter: f64) -> Outcome {
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

/// How often and how soon a mail is tried again that was refused in passing.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Attempts in all.
    pub attempts_max: u16,
    /// Wait after the first.
    pub delay_min: Duration,
}

impl Retry {
    /// The wait after `earlier + 1` refusals: twice as long each time, and between
    /// half and all of that by `jitter`, from 0 to 1.
    pub fn delay(&self, earlier: u32, jitter: f64) -> Duration {
        let doubled = self.delay_min.saturating_mul(1 << earlier.min(20));
        doubled.min(RETRY_DELAY_MAX).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// What becomes of a mail after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was accepted.
    Sent,
    /// It was refused in passing.
    Retry {
        /// Until the next attempt.
        delay: Duration,
    },
    /// It was refused for good, or too often.
    Failed,
}

impl Outcome {
    /// The state that a mail then is in.
    pub fn state(self) -> NotificationState {
        match self {
            Self::Sent => NotificationState::Sent,
            Self::Retry { .. } => NotificationState::Pending,
            Self::Failed => NotificationState::Failed,
        }
    }
}

/// An answer and what becomes of the mail, to be written by the owner of the claim.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Mark {
    pub id: NotificationId,
    pub claim_id: Uuid,
    pub outcome: Outcome,
    pub reply: Reply,
    pub message_id: String,
    /// What is published if the state changes.
    pub event: Option<NewEvent>,
}

/// How many mails are in each state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryStatistics {
    /// Mails that wait.
    pub pending: i64,
    /// Mails that were accepted.
    pub sent: i64,
    /// Mails that failed.
    pub failed: i64,
    /// How long the oldest one has waited.
    pub oldest_pending_age: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry { attempts_max: 3, delay_min: Duration::from_secs(30) };

    #[test]
    fn only_250_accepts_a_mail_and_only_4xx_lets_it_come_again() {
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
    fn waits_double_up_to_an_hour_and_never_fall_below_half() {
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
