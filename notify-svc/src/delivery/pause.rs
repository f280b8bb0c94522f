//! The pause of delivery: when the workers of this process neither claim nor send mails.
//!
//! The mail server pauses delivery by a reply about the sender, or by rejecting several
//! recipients in a row alike: then the cause is rather the sender than each of them (a circuit
//! breaker). Such a pause grows until a mail is accepted.
//!
//! The database pauses delivery by a failure: for one lease no worker claims, so that all results
//! of mails that were in flight are recorded before the leases of those mails expire for others.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use mesh::admin::Readiness;
use tokio::time::sleep_until;

use super::{
    LEASE_DURATION,
    reply::{Reply, ReplyKind},
};

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Number of recipients in a row whose rejections are alike that pauses delivery.
const REJECTED_ALIKE_MAX: usize = 5;

/// Shared by all workers.
#[derive(Default)]
pub(crate) struct Pause(Mutex<State>);

#[derive(Default)]
struct State {
    until: Option<Instant>,
    database_failed: bool,
    /// How often the mail server caused a pause since a mail was accepted.
    count: u32,
    /// Why the mail server caused the latest one.
    reason: Option<String>,
    rejected: Option<RejectedAlike>,
}

/// The latest permanent rejections, all of one kind.
struct RejectedAlike {
    kind: ReplyKind,
    recipients: HashSet<String>,
}

impl Pause {
    /// Creates the state of a delivery that is not paused.
    pub(crate) fn new() -> Self {
        metrics::gauge!("mail_delivery_paused").set(0.0);
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until delivery is not paused.
    pub(crate) async fn wait(&self) {
        while let Some(until) = self.until() {
            sleep_until(until.into()).await;
        }
    }

    /// Returns when the pause ends. None: delivery is not paused.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.state().until.filter(|until| *until > Instant::now())
    }

    /// Pauses delivery because of a reply about the sender. The pause doubles each time; during a
    /// pause, a further reply, to another worker, changes nothing.
    pub(crate) fn begin(&self, reason: String) {
        if self.until().is_some() {
            return;
        }
        let mut state = self.state();
        let delay = PAUSE_MIN.saturating_mul(1 << state.count.min(20)).min(PAUSE_MAX);
        let delay = delay.mul_f64(0.5 + rand::random::<f64>() / 2.0);
        state.until = Some(Instant::now() + delay);
        state.count += 1;
        metrics::gauge!("mail_delivery_paused").set(1.0);
        tracing::warn!(reason, seconds = delay.as_secs_f64(), "delivery is paused");
        state.reason = Some(reason);
    }

    /// Pauses delivery because of a failure of the database, until a worker finds that it works.
    pub(crate) fn begin_after_database_failure(&self) {
        let mut state = self.state();
        state.database_failed = true;
        state.until = state.until.max(Some(Instant::now() + PAUSE_MIN));
    }

    /// Returns whether the database has failed, and no worker has found since that it works.
    pub(crate) fn is_after_database_failure(&self) -> bool {
        self.state().database_failed
    }

    /// Pauses delivery for one lease because the database works again: whatever replica sent a mail
    /// meanwhile records its result first.
    pub(crate) fn begin_after_database_recovery(&self) {
        let mut state = self.state();
        state.database_failed = false;
        state.until = state.until.max(Some(Instant::now() + LEASE_DURATION));
    }

    /// Records that a mail was accepted: no pause of the mail server is left.
    pub(crate) fn record_accepted(&self) {
        let mut state = self.state();
        state.rejected = None;
        state.count = 0;
        if state.reason.take().is_some() {
            metrics::gauge!("mail_delivery_paused").set(0.0);
            tracing::info!("delivery continues");
        }
    }

    /// Records a permanent rejection. Fails if too many recipients in a row were rejected alike:
    /// then it says nothing about the mail.
    pub(crate) fn record_rejected(&self, recipient: &str, reply: &Reply) -> Result<(), String> {
        let kind = reply.kind();
        let mut state = self.state();
        let mut rejected = state.rejected.take().filter(|rejected| rejected.kind == kind);
        let alike =
            rejected.get_or_insert_with(|| RejectedAlike { kind, recipients: HashSet::new() });
        if alike.recipients.len() < REJECTED_ALIKE_MAX {
            alike.recipients.insert(recipient.to_lowercase());
        }
        let count = alike.recipients.len();
        state.rejected = rejected;
        if count < REJECTED_ALIKE_MAX {
            return Ok(());
        }
        Err(format!("{count} recipients in a row were rejected with {kind}"))
    }
}

/// Adds the pause to `readiness` as an informational check.
pub(crate) fn report_to(pause: &Arc<Pause>, readiness: Readiness) -> Readiness {
    let pause = pause.clone();
    readiness.report("delivery", move || {
        let reason = pause.state().reason.clone();
        std::future::ready(reason.map_or(Ok(()), |reason| Err(format!("paused: {reason}"))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_in_a_row_that_are_rejected_alike_pause_delivery_from_the_fifth_on() {
        let pause = Pause::new();
        let reject = |n: usize, text: &str| {
            pause.record_rejected(&format!("{n}@example.com"), &Reply::new(550, text)).is_ok()
        };
        // One recipient counts once, another kind or an accepted mail begins anew.
        assert!((0..20).all(|_| reject(0, "5.7.1 no")));
        assert!((0..20).all(|n| reject(n, if n % 2 == 0 { "5.7.1 no" } else { "5.6.0 no" })));
        assert!((0..4).all(|n| reject(n, "5.7.1 rejected")));
        pause.record_accepted();
        assert!((0..4).all(|n| reject(n, "5.7.1 rejected")));
        assert!((4..9).all(|n| !reject(n, "5.7.1 whatever the text")));
        pause.record_accepted();
        assert!(reject(9, "5.7.1 rejected"));
    }

    #[test]
    fn a_pause_is_not_longer_because_several_workers_get_the_reply() {
        let pause = Pause::new();
        (0..9).for_each(|_| pause.begin("454".into()));
        assert_eq!(pause.state().count, 1);
        pause.begin_after_database_recovery();
        assert!(pause.until().is_some_and(|until| until > Instant::now() + PAUSE_MIN));
    }
}
