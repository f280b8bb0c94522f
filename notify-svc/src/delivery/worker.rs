//! Delivery workers: claim mails that are due, send them, and have the results recorded.
//!
//! **Invariant:** only a reply about a mail counts as an attempt, and a missing reply after its
//! final dot, whose outcome is unknown. Any other transport error counts as none: without a reply
//! the worker backs off, and a reply about the sender pauses all workers.
//!
//! **Invariant:** a mail is sent under a claim: a lease of `LEASE_DURATION`, renewed while
//! the mail is in flight. When the lease of a dead worker expires, another claims the mail.
//!
//! **Invariant:** after a failure of the database nobody claims for one lease, and a worker has at
//! most `UNRECORDED_MAX` results that are not recorded. So the results come before the claims, and
//! a crash duplicates few mails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use mesh::{error::chain, telemetry};
use mesh_data::{database::convert_error, failpoint};
use tokio::{
    task::JoinSet,
    time::{interval_at, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    App,
    db::deliveries as db,
    delivery::{
        ClaimedMail, LEASE_DURATION, Outcome, Reply,
        composer::{Composer, NotComposed},
        pause::Pause,
        results::Results,
    },
    notification::NotificationId,
    smtp::{Connection, SendResult, Server, TransportError},
};

/// Mails claimed at once.
const CLAIM_SIZE_MAX: i64 = 20;
/// How long a worker keeps claimed mails that wait behind a slow one.
const WAIT_BEHIND_MAX: Duration = Duration::from_secs(1);
/// Results of a worker that are not recorded yet, beyond which it sends no mail.
const UNRECORDED_MAX: usize = 4;
const RENEW_INTERVAL: Duration = Duration::from_secs(5);
/// How often an idle worker polls: for retries that become due, and for mails that other
/// replicas received.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// An idle connection is closed after this.
const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(10);
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// How long the mail in flight may take after shutdown.
const DRAIN_DURATION_MAX: Duration = Duration::from_secs(5);

/// What all workers share.
pub(crate) struct Delivery {
    pub(crate) app: App,
    pub(crate) composer: Composer,
    pub(crate) server: Server,
    pub(crate) results: Results,
    pub(crate) pause: Arc<Pause>,
}

/// Delivers mails until `shutdown`. Any number of workers and replicas may do so at once.
pub(crate) async fn run(delivery: Arc<Delivery>, shutdown: CancellationToken) {
    metrics::counter!("mails_cut_off_total").increment(0);
    let mut worker = Worker {
        delivery,
        shutdown: shutdown.clone(),
        connection: None,
        last_used: Instant::now(),
        backoff: BACKOFF_MIN,
        recording: JoinSet::new(),
    };
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = worker.delivery.pause.wait() => {}
        }
        match worker.deliver_due().await {
            Ok(true) => {}
            Ok(false) => worker.idle().await,
            Err(error) => worker.back_off(error).await,
        }
    }
    worker.recording.join_all().await;
    if let Some(connection) = worker.connection {
        connection.quit().await;
    }
}

/// Why a worker backs off. Says nothing about the mail.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("mail server")]
    Transport(#[from] TransportError),
    #[error("database")]
    Database(#[from] mesh::Error),
}

/// How an attempt to send a mail ended.
enum Attempt {
    /// With a reply about the mail, and the connection if it can be reused.
    Replied(Reply, Option<Connection>),
    /// Without a reply about the mail.
    Interrupted(TransportError),
    /// After the final dot, without a reply.
    Unknown(TransportError),
    /// Before the mail was sent.
    NotStarted(TransportError),
    /// Before the mail was composed.
    NotComposed(mesh::Error, Option<Connection>),
}

struct Worker {
    delivery: Arc<Delivery>,
    shutdown: CancellationToken,
    connection: Option<Connection>,
    last_used: Instant,
    backoff: Duration,
    /// Results that are being recorded.
    recording: JoinSet<()>,
}

impl Worker {
    /// Delivers a batch of due mails. Returns false if none is due.
    ///
    /// Connects before it claims, so that an outage of the mail server leaves the mails
    /// untouched.
    async fn deliver_due(&mut self) -> Result<bool, DeliveryError> {
        let delivery = self.delivery.clone();
        if delivery.pause.is_after_database_failure() {
            let mut connection = delivery.app.database.connection().await?;
            db::has_due(&mut connection).await.map_err(convert_error)?;
            delivery.pause.begin_after_database_recovery();
        }
        if delivery.pause.until().is_some() {
            return Ok(true);
        }
        if self.connection.is_none() {
            let mut connection = delivery.app.database.connection().await?;
            if !db::has_due(&mut connection).await.map_err(convert_error)? {
                return Ok(false);
            }
            drop(connection);
            self.connection = Some(delivery.server.connect().await?);
        }
        let claimed_at = Instant::now();
        let mut connection = delivery.app.database.connection().await?;
        let batch = db::claim(&mut connection, Uuid::now_v7(), LEASE_DURATION, CLAIM_SIZE_MAX)
            .await
            .map_err(convert_error)?;
        drop(connection);
        if batch.is_empty() {
            return Ok(false);
        }
        if batch.len() == CLAIM_SIZE_MAX as usize {
            // More may be due, for another worker.
            delivery.app.mails_due.notify();
        }
        let delivered = self.deliver(batch, claimed_at).await;
        while self.recording.join_next().await.is_some() {}
        self.last_used = Instant::now();
        delivered.map(|()| true)
    }

    /// Sends mails one after the other. Releases the claims of those that it does not start.
    async fn deliver(
        &mut self,
        mut batch: Vec<ClaimedMail>,
        claimed_at: Instant,
    ) -> Result<(), DeliveryError> {
        batch.reverse();
        let mut result = Ok(());
        while let Some(claimed) = batch.pop() {
            while self.recording.len() >= UNRECORDED_MAX {
                self.recording.join_next().await;
            }
            let is_late = claimed_at.elapsed() > LEASE_DURATION / 2;
            let is_paused = self.delivery.pause.until().is_some();
            if is_late || is_paused || self.shutdown.is_cancelled() {
                batch.push(claimed);
                break;
            }
            let span = tracing::info_span!(
                "mail",
                otel.kind = "client",
                notification_id = %claimed.id,
                kind = claimed.kind.as_str()
            );
            telemetry::continue_traceparent(&span, claimed.traceparent.as_deref());
            result = self.send(&claimed, &mut batch, claimed_at).instrument(span).await;
            if result.is_err() {
                break;
            }
        }
        self.release_claims(&mut batch).await;
        result
    }

    /// Sends one mail and has its result recorded. `waiting` are the mails behind it.
    async fn send(
        &mut self,
        claimed: &ClaimedMail,
        waiting: &mut Vec<ClaimedMail>,
        claimed_at: Instant,
    ) -> Result<(), DeliveryError> {
        let delivery = self.delivery.clone();
        let message_id = claimed.message_id(delivery.composer.from.email.domain());
        let is_sent = AtomicBool::new(false);
        let attempt = attempt(&delivery, self.connection.take(), claimed, &message_id, &is_sent);
        let attempt = self.await_attempt(attempt, &is_sent, claimed, waiting, claimed_at).await;
        match self.apply_circuit_breaker(claimed, attempt) {
            Attempt::Replied(reply, connection) => {
                self.connection = connection;
                self.backoff = BACKOFF_MIN;
                self.record(claimed, message_id, reply);
                Ok(())
            }
            Attempt::Unknown(error) => {
                self.record(claimed, message_id, Reply::outcome_unknown(&error.to_string()));
                Err(error.into())
            }
            Attempt::Interrupted(error) => {
                metrics::counter!("mails_cut_off_total").increment(1);
                self.postpone(claimed).await;
                Err(error.into())
            }
            Attempt::NotStarted(error) => {
                waiting.push(claimed.clone());
                Err(error.into())
            }
            // Other mails do not need what is missing.
            Attempt::NotComposed(error, connection) => {
                self.connection = connection;
                tracing::warn!(error = %chain(&error), "a mail remains pending");
                self.postpone(claimed).await;
                Ok(())
            }
        }
    }

    /// Turns a rejection into a reply about the sender if too many recipients were rejected alike, for
    /// a reason that may be the sender: anybody can sign up with addresses that do not exist.
    fn apply_circuit_breaker(&self, claimed: &ClaimedMail, attempt: Attempt) -> Attempt {
        let Attempt::Replied(reply, connection) = attempt else {
            return attempt;
        };
        let pause = &self.delivery.pause;
        if reply.code == 250 {
            pause.record_accepted();
        } else if reply.kind().is_permanent()
            && !reply.kind().is_about_recipient()
            && let Err(reason) = pause.record_rejected(&claimed.recipient, &reply)
        {
            return Attempt::Interrupted(TransportError::AboutSender(reason));
        }
        Attempt::Replied(reply, connection)
    }

    /// Has the result of a mail recorded, while the worker goes on.
    fn record(&mut self, claimed: &ClaimedMail, message_id: String, reply: Reply) {
        let results = self.delivery.results.clone();
        let result = results.evaluate(claimed, message_id, reply);
        if result.outcome == Outcome::Sent {
            failpoint::hit("after-mail");
        }
        let recorded = results.record_result(result, self.shutdown.clone());
        self.recording.spawn(recorded.in_current_span());
    }

    /// Waits for an attempt. If it takes long, releases the claims of the mails behind it,
    /// so that other workers send them, and renews its lease.
    async fn await_attempt(
        &self,
        attempt: impl Future<Output = Attempt>,
        is_sent: &AtomicBool,
        claimed: &ClaimedMail,
        waiting: &mut Vec<ClaimedMail>,
        claimed_at: Instant,
    ) -> Attempt {
        let mut renewal = interval_at((claimed_at + WAIT_BEHIND_MAX).into(), RENEW_INTERVAL);
        let drained = async {
            self.shutdown.cancelled().await;
            sleep(DRAIN_DURATION_MAX).await;
        };
        tokio::pin!(attempt, drained);
        loop {
            tokio::select! {
                biased;
                attempt = &mut attempt => return attempt,
                () = &mut drained => {
                    let error = TransportError::shutdown();
                    return if is_sent.load(Ordering::Relaxed) {
                        Attempt::Unknown(error)
                    } else {
                        Attempt::Interrupted(error)
                    };
                }
                _ = renewal.tick() => {
                    self.release_claims(waiting).await;
                    self.renew(claimed).await;
                }
            }
        }
    }

    /// Waits until a mail may be due.
    async fn idle(&mut self) {
        if self.last_used.elapsed() > CONNECTION_IDLE_MAX
            && let Some(connection) = self.connection.take()
        {
            connection.quit().await;
        }
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            () = self.delivery.app.mails_due.notified() => {}
            () = sleep(POLL_INTERVAL) => {}
        }
    }

    /// Reacts to an error. Without a reply of the mail server: exponential backoff with jitter,
    /// until a mail gets a reply.
    async fn back_off(&mut self, error: DeliveryError) {
        tracing::warn!(error = %chain(&error), "mails remain pending");
        match error {
            DeliveryError::Transport(TransportError::NoReply(_)) => {
                let delay = self.backoff.mul_f64(0.5 + rand::random::<f64>() / 2.0);
                self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
                let _ = timeout(delay, self.shutdown.cancelled()).await;
            }
            DeliveryError::Transport(TransportError::AboutSender(reason)) => {
                self.delivery.pause.begin(reason);
            }
            DeliveryError::Database(_) => self.delivery.pause.begin_after_database_failure(),
        }
    }

    // The following three are best effort: if the database does not respond, the lease
    // expires and another worker claims the mail.

    async fn release_claims(&self, batch: &mut Vec<ClaimedMail>) {
        let Some(claim_id) = batch.first().map(|claimed| claimed.claim_id) else {
            return;
        };
        let ids: Vec<NotificationId> = batch.drain(..).map(|claimed| claimed.id).collect();
        self.attempt_update(async |connection| db::release(connection, claim_id, &ids).await).await;
        self.delivery.app.mails_due.notify();
    }

    async fn postpone(&self, claimed: &ClaimedMail) {
        let ClaimedMail { claim_id, id, .. } = *claimed;
        let delay = claimed.postponement();
        self.attempt_update(async |connection| db::postpone(connection, claim_id, id, delay).await)
            .await;
    }

    async fn renew(&self, claimed: &ClaimedMail) {
        let ClaimedMail { claim_id, id, .. } = *claimed;
        let renew =
            async |connection: &mut _| db::renew(connection, claim_id, id, LEASE_DURATION).await;
        self.attempt_update(renew).await;
    }

    async fn attempt_update(
        &self,
        update: impl AsyncFnOnce(&mut mesh_data::database::Connection) -> diesel::QueryResult<()>,
    ) {
        let updated = match self.delivery.app.database.connection().await {
            Ok(mut connection) => update(&mut connection).await.is_ok(),
            Err(_) => false,
        };
        if !updated {
            self.delivery.pause.begin_after_database_failure();
        }
    }
}

/// Composes a mail and sends it, over a new connection if there is none.
async fn attempt(
    delivery: &Delivery,
    connection: Option<Connection>,
    claimed: &ClaimedMail,
    message_id: &str,
    is_sent: &AtomicBool,
) -> Attempt {
    let message = match delivery.composer.compose(claimed, message_id).await {
        Ok(message) => message,
        Err(NotComposed::Failed(reply)) => return Attempt::Replied(reply, connection),
        Err(NotComposed::Unavailable(error)) => return Attempt::NotComposed(error, connection),
    };
    let connection = match connection {
        Some(connection) => connection,
        None => match delivery.server.connect().await {
            Ok(connection) => connection,
            Err(error) => return Attempt::NotStarted(error),
        },
    };
    match connection.send(&message, is_sent).await {
        SendResult::Accepted(reply, connection) => Attempt::Replied(reply, Some(connection)),
        SendResult::Rejected(reply) => Attempt::Replied(reply, None),
        SendResult::Failed(error) => Attempt::Interrupted(error),
        SendResult::Unknown(error) => Attempt::Unknown(error),
    }
}
