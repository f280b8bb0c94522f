//! Delivery results: evaluates the reply about a mail, and records what follows from it.
//!
//! **Invariant:** only the owner of the claim records the result of a mail.
//!
//! Results are recorded by group commit: those that arrive during a transaction are
//! written by the next. So a crash duplicates the mails of about two transactions, a
//! handful at full speed and one when there is little to do, and no mail costs a
//! transaction of its own.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use mesh::error::chain;
use mesh_data::{
    database::Database,
    group_commit::GroupCommit,
    outbox::{self, Wakeup},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    db::deliveries as db,
    delivery::{ClaimedMail, DeliveryResult, Outcome, Reply, RetryPolicy, pause::Pause},
    error::Error,
    events,
};

const BATCH_SIZE_MAX: usize = 200;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(10);

/// Records delivery results. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Results {
    retry: RetryPolicy,
    pause: Arc<Pause>,
    /// Returns for each result whether its claim was still owned.
    group: GroupCommit<DeliveryResult, bool, Error>,
}

impl Results {
    /// Starts the group commit. `relay` is notified after each transaction.
    pub(crate) fn new(
        database: &Database,
        relay: Wakeup,
        retry: RetryPolicy,
        pause: Arc<Pause>,
    ) -> Self {
        let database = database.dedicated();
        metrics::counter!("mails_outcome_unknown_total").increment(0);
        let write = move |results: Arc<[DeliveryResult]>| {
            let (database, relay) = (database.clone(), relay.clone());
            async move {
                let owned = write_results(&database, &results).await?;
                relay.notify();
                Ok(owned)
            }
        };
        Self { retry, pause, group: GroupCommit::new("marks", BATCH_SIZE_MAX, write) }
    }

    /// Returns what follows from the reply about a mail.
    pub(crate) fn evaluate(
        &self,
        mail: &ClaimedMail,
        message_id: String,
        reply: Reply,
    ) -> DeliveryResult {
        let outcome = reply.outcome(&mail.attempts, self.retry, Utc::now(), rand::random());
        report(mail, outcome, &reply);
        let order_id = mail.order_id.filter(|_| !matches!(outcome, Outcome::Retry { .. }));
        let event = order_id.map(|order_id| {
            let (state, version) = (outcome.state(), mail.version + 1);
            events::mail_state_changed(mail.id, order_id, mail.kind, state, version)
        });
        DeliveryResult { id: mail.id, claim_id: mail.claim_id, outcome, reply, message_id, event }
    }

    /// Records a result. Retries until shutdown, because a mail whose result is not
    /// recorded is sent again.
    pub(crate) async fn record_result(self, result: DeliveryResult, shutdown: CancellationToken) {
        let mut delay = RETRY_DELAY_MIN;
        loop {
            match self.group.submit(result.clone()).await {
                Ok(true) => return,
                Ok(false) => {
                    metrics::counter!("mail_claims_lost_total").increment(1);
                    tracing::warn!("the claim was lost while the mail was in flight");
                    return;
                }
                Err(error) => {
                    self.pause.begin_after_database_failure();
                    tracing::warn!(error = %chain(&error), "the result of a mail is not recorded");
                }
            }
            if shutdown.is_cancelled() {
                return;
            }
            let _ = timeout(delay, shutdown.cancelled()).await;
            delay = (delay * 2).min(RETRY_DELAY_MAX);
        }
    }
}

/// Reports an outcome as metrics, and a rejection to the log.
fn report(mail: &ClaimedMail, outcome: Outcome, reply: &Reply) {
    let label = match outcome {
        Outcome::Sent => "sent",
        Outcome::Retry { .. } => "retry",
        Outcome::Failed => "failed",
    };
    if reply.is_outcome_unknown {
        metrics::counter!("mails_outcome_unknown_total").increment(1);
    } else {
        metrics::counter!("mails_answered_total", "outcome" => label).increment(1);
    }
    if outcome == Outcome::Sent {
        let age = (Utc::now() - mail.pending_since).to_std().unwrap_or_default();
        metrics::histogram!("mail_waited_seconds").record(age.as_secs_f64());
    } else {
        // Without the text of the reply, which often contains the address.
        tracing::info!(reply = %reply.kind(), label, "a mail was not accepted");
    }
}

/// Records results and their events in one transaction. Returns for each result whether
/// its claim was still owned.
async fn write_results(
    database: &Database,
    results: &[DeliveryResult],
) -> Result<Vec<bool>, Error> {
    database
        .transaction(async |connection| {
            let recorded = db::record_results(connection, results).await?;
            let is_owned =
                |result: &DeliveryResult| recorded.contains(&(result.id, result.claim_id));
            let owned: Vec<_> = results.iter().map(is_owned).collect();
            let owned_results = results.iter().zip(&owned).filter(|(_, owned)| **owned);
            let events: Vec<_> =
                owned_results.filter_map(|(result, _)| result.event.clone()).collect();
            outbox::insert_events(connection, &events).await?;
            Ok(owned)
        })
        .await
}
