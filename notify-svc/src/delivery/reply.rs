//! Replies of the mail server: which of them are about a mail, and what follows from those.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{Integer, Nullable, Timestamptz},
};

use super::Outcome;

/// Longest text of a reply that is stored.
const REPLY_CHARACTERS_MAX: usize = 500;
const RETRY_DELAY_MAX: Duration = Duration::from_secs(3600);
/// Most attempts of a mail whose outcome is unknown: each may be a duplicate for the recipient.
const UNKNOWN_OUTCOMES_MAX: i32 = 5;

/// A step of the SMTP dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The connection: banner, EHLO, STARTTLS and AUTH.
    Connect,
    /// MAIL.
    Mail,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// The message and its final dot.
    Message,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the connection",
            Self::Mail => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::Message => "the message",
        })
    }
}

/// The kind of a rejection: the reply code, and subject and detail of the enhanced status code
/// (RFC 3463). Contains no address, unlike the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReplyKind {
    code: u16,
    enhanced: Option<(u16, u16)>,
}

impl ReplyKind {
    /// Returns whether a rejection at `step` concerns this shop or the state of the mail server,
    /// and so says nothing about the mail: any at or before MAIL, a server that closes or requires
    /// authentication, a quota, throttling, and a sender that it does not accept.
    pub(crate) fn is_about_sender(self, step: Step) -> bool {
        if matches!(step, Step::Connect | Step::Mail) {
            return true;
        }
        match (self.code, self.enhanced) {
            (421 | 454 | 530 | 534 | 535 | 538, _) => true,
            // Storage of the mailbox, or the size of the message.
            (452 | 552, Some((1 | 2 | 6, _) | (3, 4))) => false,
            (452 | 552, _) => true,
            // The sender's address; storage and state of the server; congestion; the
            // authentication of the sender by SPF, DKIM and reverse DNS.
            (_, Some((1, 7 | 8) | (3, 1 | 2 | 5) | (4, 5) | (7, 20..=29))) => true,
            _ => false,
        }
    }

    /// Returns whether a rejection certainly concerns the recipient: the address or its mailbox.
    pub(crate) fn is_about_recipient(self) -> bool {
        matches!(self.enhanced, Some((1, 1 | 2 | 3 | 6 | 10) | (2, _)))
    }

    /// Returns whether the rejection is permanent.
    pub(crate) fn is_permanent(self) -> bool {
        self.code >= 500
    }
}

impl fmt::Display for ReplyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        match self.enhanced {
            Some((subject, detail)) => write!(f, " {}.{subject}.{detail}", self.code / 100),
            None => Ok(()),
        }
    }
}

/// The end of an attempt to deliver a mail: the reply of the mail server about it, or why there is
/// none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// SMTP reply code. 0: none.
    pub(crate) code: u16,
    pub(crate) text: String,
    /// The mail was sent, and the server did not reply: it may have accepted the mail.
    pub(crate) is_outcome_unknown: bool,
}

impl Reply {
    /// Creates a reply. The text is shortened and becomes one line.
    pub fn new(code: u16, text: &str) -> Self {
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let text = plain.take(REPLY_CHARACTERS_MAX).collect();
        Self { code, text, is_outcome_unknown: false }
    }

    /// Creates the end of an attempt without a reply after the final dot.
    pub(crate) fn outcome_unknown(reason: &str) -> Self {
        let text = format!("it is unknown whether the mail server accepted the mail: {reason}");
        Self { is_outcome_unknown: true, ..Self::new(0, &text) }
    }

    /// Returns the kind of the reply.
    pub(crate) fn kind(&self) -> ReplyKind {
        let class = (self.code / 100).to_string();
        let word = self.text.split_whitespace().next().unwrap_or_default();
        let mut parts = word.splitn(3, '.');
        let is_class = parts.next() == Some(&*class);
        let subject = parts.next().and_then(|part| part.parse().ok());
        let detail = parts.next().and_then(|part| part.parse().ok());
        ReplyKind { code: self.code, enhanced: subject.zip(detail).filter(|_| is_class) }
    }

    /// Returns the outcome of the attempt that ended at `now` and followed `earlier` ones. Only
    /// 250 accepts a mail.
    pub(crate) fn outcome(
        &self,
        earlier: &Attempts,
        retry: RetryPolicy,
        now: DateTime<Utc>,
        jitter: f64,
    ) -> Outcome {
        let is_temporary = match self.code {
            250 => return Outcome::Sent,
            400..500 => true,
            _ => self.is_outcome_unknown && earlier.unknown_count + 1 < UNKNOWN_OUTCOMES_MAX,
        };
        let count = u32::try_from(earlier.attempt_count).unwrap_or(0);
        if is_temporary && !retry.is_over(earlier, now) {
            Outcome::Retry { delay: retry.delay(count, jitter) }
        } else {
            Outcome::Failed
        }
    }
}

/// The attempts to deliver a mail since it was requested or resent.
#[derive(Debug, Clone, Default, QueryableByName)]
pub(crate) struct Attempts {
    #[diesel(sql_type = Integer)]
    pub(crate) attempt_count: i32,
    /// Those whose outcome is unknown.
    #[diesel(sql_type = Integer)]
    pub(crate) unknown_count: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) first_attempt_at: Option<DateTime<Utc>>,
}

/// When and how often a mail is retried that was rejected temporarily.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// Including the first attempt.
    pub(crate) attempts_max: u16,
    /// Since the first attempt.
    pub(crate) duration_max: Duration,
    /// Delay after the first attempt.
    pub(crate) delay_min: Duration,
}

impl RetryPolicy {
    /// Returns whether the attempt at `now` was the last one.
    fn is_over(&self, earlier: &Attempts, now: DateTime<Utc>) -> bool {
        let since_first = earlier.first_attempt_at.and_then(|first| (now - first).to_std().ok());
        earlier.attempt_count + 1 >= i32::from(self.attempts_max)
            || since_first.is_some_and(|since| since >= self.duration_max)
    }

    /// Returns the delay after `earlier + 1` rejections: exponential backoff, of which
    /// `jitter`, from 0 to 1, selects between half and all.
    pub(crate) fn delay(&self, earlier: u32, jitter: f64) -> Duration {
        let doubled = self.delay_min.saturating_mul(1 << earlier.min(20));
        doubled.min(RETRY_DELAY_MAX).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    const RETRY: RetryPolicy = RetryPolicy {
        attempts_max: 30,
        duration_max: Duration::from_secs(4 * 86_400),
        delay_min: Duration::from_secs(30),
    };

    #[test]
    fn only_250_accepts_a_mail_and_4xx_is_retried_for_days_and_an_unknown_outcome_five_times() {
        let delay = Duration::from_secs(30);
        let hour = RETRY_DELAY_MAX;
        let unknown = || Reply::outcome_unknown("no reply");
        for (reply, attempt_count, unknown_count, hours, outcome) in [
            (Reply::new(250, ""), 0, 0, 0, Outcome::Sent),
            (Reply::new(251, ""), 0, 0, 0, Outcome::Failed),
            (Reply::new(451, ""), 0, 0, 0, Outcome::Retry { delay }),
            (Reply::new(451, ""), 1, 0, 0, Outcome::Retry { delay: delay * 2 }),
            (Reply::new(451, ""), 28, 0, 95, Outcome::Retry { delay: hour }),
            (Reply::new(451, ""), 28, 0, 96, Outcome::Failed),
            (Reply::new(451, ""), 29, 0, 95, Outcome::Failed),
            (Reply::new(550, ""), 0, 0, 0, Outcome::Failed),
            (Reply::new(0, ""), 0, 0, 0, Outcome::Failed),
            (unknown(), 0, 0, 0, Outcome::Retry { delay }),
            (unknown(), 9, 3, 1, Outcome::Retry { delay: hour }),
            (unknown(), 9, 4, 1, Outcome::Failed),
            (unknown(), 9, 3, 96, Outcome::Failed),
        ] {
            let now = Utc::now();
            let first_attempt_at = (attempt_count > 0).then(|| now - TimeDelta::hours(hours));
            let earlier = Attempts { attempt_count, unknown_count, first_attempt_at };
            let found = reply.outcome(&earlier, RETRY, now, 1.0);
            assert_eq!(found, outcome, "{} after {earlier:?}", reply.code);
        }
    }

    #[test]
    fn a_reply_is_about_the_sender_or_the_recipient() {
        use Step::{Connect, Data, Mail, Message, Recipient};
        for (step, code, text, is_about_sender) in [
            (Connect, 554, "go away", true),
            (Connect, 535, "5.7.8 bad credentials", true),
            (Mail, 550, "5.1.0 sender rejected", true),
            (Mail, 451, "", true),
            (Recipient, 421, "4.3.2 closing", true),
            (Recipient, 530, "5.7.0 authentication required", true),
            (Recipient, 550, "5.1.1 no such mailbox", false),
            (Recipient, 450, "4.7.1 greylisted", false),
            (Recipient, 451, "4.3.0 try later", false),
            (Recipient, 452, "4.2.2 the mailbox is full", false),
            (Recipient, 452, "4.5.3 too many recipients", true),
            (Recipient, 553, "5.1.8 sender domain not found", true),
            (Recipient, 553, "sorry", false),
            (Data, 454, "Throttling failure: Daily message quota exceeded.", true),
            (Message, 552, "5.2.2 the mailbox is full", false),
            (Message, 552, "5.3.4 the message is too big", false),
            (Message, 552, "quota exceeded", true),
            (Message, 452, "4.3.1 insufficient system storage", true),
            (Message, 550, "5.4.5 daily sending quota exceeded", true),
            (Message, 550, "5.7.26 unauthenticated sender", true),
            (Message, 554, "5.7.1 looks like spam", false),
            (Message, 451, "5.7.26 of another class", false),
        ] {
            let kind = Reply::new(code, text).kind();
            assert_eq!(kind.is_about_sender(step), is_about_sender, "{step}: {code} {text}");
        }
        for (text, is_about_recipient) in [
            ("5.1.1 no such mailbox", true),
            ("5.1.2 no such domain", true),
            ("5.2.1 disabled", true),
            ("5.1.7 bad sender", false),
            ("5.7.1 rejected", false),
            ("no such mailbox", false),
        ] {
            let kind = Reply::new(550, text).kind();
            assert_eq!(kind.is_about_recipient(), is_about_recipient, "{text}");
        }
        assert_eq!(Reply::new(550, "5.7.1 a@b.example: no").kind().to_string(), "550 5.7.1");
        assert_eq!(Reply::new(550, "a@b.example: no").kind().to_string(), "550");
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
