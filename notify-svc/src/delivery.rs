//! Delivery: workers that claim mails which are due, send them and mark what the mail
//! server answered.
//!
//! **Invariant:** only an answer about a mail counts as an attempt. No connection, a
//! time-out or a server that is closing pauses the worker and counts for nothing.
//!
//! **Invariant:** a mail is marked by the owner of its claim alone. A claim is a lease
//! of `LEASE`, renewed while the mail is under way; what a dead worker had, another
//! takes when it runs off.
//!
//! Marks are written as they come, in groups: what is answered while a group is under
//! way makes the next. So a crash doubles the mails of about two commits, a handful at
//! full speed and one when it is quiet, and no mail costs a transaction of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lettre::message::Mailbox;
use mesh::{error::chain, telemetry};
use mesh_data::{
    database::{Database, convert_error},
    failpoint,
    group_commit::GroupCommit,
    outbox,
};
use tokio::{
    task::JoinSet,
    time::{interval_at, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    App, convert,
    db::deliveries as db,
    error::Error,
    mail,
    notification::{Claimed, Mark, NotificationId, Outcome, Reply, Retry},
    smtp::{Connection, CutOff, Message, Sending, Server},
    templates::Templates,
};

/// Mails claimed at once.
const CLAIM_SIZE_MAX: i64 = 20;
/// How long a worker keeps claimed mails that wait behind others.
const HOLD_MAX: Duration = Duration::from_secs(1);
/// How long a claim lasts unless it is renewed.
const LEASE: Duration = Duration::from_secs(15);
const RENEW_INTERVAL: Duration = Duration::from_secs(5);
/// How often a worker looks by itself: for attempts that come due, and for what other
/// replicas took in.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// An idle connection is closed after this.
const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(10);
/// Pause of a worker after a failure that says nothing of a mail; doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long the mail under way may take once the process is to end.
const FAREWELL_MAX: Duration = Duration::from_secs(5);
const MARKS_AT_ONCE_MAX: usize = 200;

/// What all workers share.
pub struct Delivery {
    app: App,
    server: Server,
    templates: Arc<Templates>,
    from: Mailbox,
    retry: Retry,
    marks: GroupCommit<Mark, bool, Error>,
}

impl Delivery {
    /// Mails from `from`, by way of `server`.
    pub fn new(
        app: App,
        server: Server,
        templates: Arc<Templates>,
        from: Mailbox,
        retry: Retry,
    ) -> Self {
        metrics::counter!("mails_cut_off_total").increment(0);
        let (database, relay) = (app.database.clone(), app.relay.clone());
        let marks = GroupCommit::new("marks", MARKS_AT_ONCE_MAX, move |marks: Arc<[Mark]>| {
            let (database, relay) = (database.clone(), relay.clone());
            async move {
                let written = write_marks(&database, &marks).await?;
                relay.notify();
                Ok(written)
            }
        });
        Self { app, server, templates, from, retry, marks }
    }

    /// The mail that a claim is about.
    fn compose(&self, claimed: &Claimed, message_id: &str) -> Result<Message, Reply> {
        let unmailable = |error: &dyn std::error::Error| Reply::new(0, &error.to_string());
        let event = convert::event(claimed.kind.into(), &claimed.payload)
            .map_err(|error| unmailable(&*error))?;
        let words = self.templates.words(&event.letter).map_err(|error| unmailable(&error))?;
        mail::compose(&self.from, &claimed.recipient, &event.letter.name, message_id, words)
            .map_err(|error| unmailable(&error))
    }

    /// What is to be written about a mail that got an answer.
    fn judge(&self, claimed: &Claimed, message_id: String, reply: Reply) -> Mark {
        let outcome = reply.outcome(claimed.attempt_count, self.retry, rand::random());
        let label = match outcome {
            Outcome::Sent => "sent",
            Outcome::Retry { .. } => "retry",
            Outcome::Failed => "failed",
        };
        metrics::counter!("mails_answered_total", "outcome" => label).increment(1);
        if outcome == Outcome::Sent {
            let age = (chrono::Utc::now() - claimed.pending_since).to_std().unwrap_or_default();
            metrics::histogram!("mail_waited_seconds").record(age.as_secs_f64());
        } else {
            // Not its text: servers like to say the address.
            tracing::info!(code = reply.code, label, "a mail was refused");
        }
        let changed = claimed.order_id.filter(|_| !matches!(outcome, Outcome::Retry { .. }));
        let event = changed.map(|order_id| {
            let version = claimed.version + 1;
            let Claimed { id, kind, .. } = *claimed;
            convert::mail_state_changed(id, order_id, kind, outcome.state(), version)
        });
        Mark { id: claimed.id, claim_id: claimed.claim_id, outcome, reply, message_id, event }
    }
}

/// Writes answers, each by the owner of its claim, and tells which those were.
async fn write_marks(database: &Database, marks: &[Mark]) -> Result<Vec<bool>, Error> {
    database
        .transaction(async |connection| {
            let marked = db::mark(connection, marks).await?;
            let owned: Vec<_> = marks.iter().map(|mark| marked.contains(&mark.id)).collect();
            let owned_marks = marks.iter().zip(&owned).filter(|(_, owned)| **owned);
            let events: Vec<_> = owned_marks.filter_map(|(mark, _)| mark.event.clone()).collect();
            outbox::insert_events(connection, &events).await?;
            Ok(owned)
        })
        .await
}

/// Delivers mails until `shutdown`. Any number of workers and replicas may do so at
/// once.
pub async fn work(delivery: Arc<Delivery>, shutdown: CancellationToken) {
    let mut worker = Worker {
        delivery,
        shutdown: shutdown.clone(),
        connection: None,
        used: Instant::now(),
        pause: PAUSE_MIN,
        marking: JoinSet::new(),
    };
    while !shutdown.is_cancelled() {
        match worker.turn().await {
            Ok(true) => {}
            Ok(false) => worker.idle().await,
            Err(error) => worker.rest(&error).await,
        }
    }
    worker.marking.join_all().await;
    if let Some(connection) = worker.connection {
        connection.quit().await;
    }
}

/// Why a worker pauses: nothing that a mail is to blame for.
#[derive(Debug, thiserror::Error)]
enum Obstacle {
    #[error("mail server")]
    Smtp(#[from] CutOff),
    #[error("database")]
    Database(#[source] mesh::Error),
}

impl<E: Into<mesh::Error>> From<E> for Obstacle {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

/// What came of one attempt.
enum Attempt {
    Answered(Reply, Option<Connection>),
    /// The server gave no answer about the mail.
    CutOff(CutOff),
    /// The mail was not begun.
    NotBegun(CutOff),
}

struct Worker {
    delivery: Arc<Delivery>,
    shutdown: CancellationToken,
    connection: Option<Connection>,
    used: Instant,
    pause: Duration,
    marking: JoinSet<()>,
}

impl Worker {
    /// Delivers what is due, some of it; false where nothing was.
    ///
    /// Nothing is claimed before there is a connection, so that an outage of the mail
    /// server leaves the mails untouched.
    async fn turn(&mut self) -> Result<bool, Obstacle> {
        let delivery = self.delivery.clone();
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
        let batch = db::claim(&mut connection, Uuid::now_v7(), LEASE, CLAIM_SIZE_MAX)
            .await
            .map_err(convert_error)?;
        drop(connection);
        if batch.is_empty() {
            return Ok(false);
        }
        if batch.len() == CLAIM_SIZE_MAX as usize {
            // There may be more, for another worker.
            delivery.app.mails_due.notify();
        }
        let delivered = self.deliver(batch, claimed_at).await;
        while self.marking.join_next().await.is_some() {}
        self.used = Instant::now();
        delivered.map(|()| true)
    }

    /// Sends mails one after the other. What is not begun is given back.
    async fn deliver(
        &mut self,
        mut batch: Vec<Claimed>,
        claimed_at: Instant,
    ) -> Result<(), Obstacle> {
        batch.reverse();
        let mut obstacle = None;
        while let Some(claimed) = batch.pop() {
            let late = claimed_at.elapsed() > LEASE / 2;
            if late || self.shutdown.is_cancelled() {
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
            let sent = self.send(&claimed, &mut batch, claimed_at).instrument(span).await;
            if let Err(error) = sent {
                obstacle = Some(error);
                break;
            }
        }
        self.give_back(&mut batch).await;
        obstacle.map_or(Ok(()), Err)
    }

    /// Sends one mail and has the answer marked. `waiting` are those behind it.
    async fn send(
        &mut self,
        claimed: &Claimed,
        waiting: &mut Vec<Claimed>,
        claimed_at: Instant,
    ) -> Result<(), Obstacle> {
        let delivery = self.delivery.clone();
        let message_id = claimed.message_id(delivery.from.email.domain());
        let attempt = match delivery.compose(claimed, &message_id) {
            Err(reply) => Attempt::Answered(reply, self.connection.take()),
            Ok(message) => {
                let attempt = attempt(&delivery.server, self.connection.take(), &message);
                self.hold(attempt, claimed, waiting, claimed_at).await
            }
        };
        match attempt {
            Attempt::Answered(reply, connection) => {
                self.connection = connection;
                self.pause = PAUSE_MIN;
                let mark = delivery.judge(claimed, message_id, reply);
                if mark.outcome == Outcome::Sent {
                    failpoint::hit("after-mail");
                }
                let marking = keep_marking(delivery, mark, self.shutdown.clone());
                self.marking.spawn(marking.in_current_span());
                Ok(())
            }
            Attempt::CutOff(error) => {
                metrics::counter!("mails_cut_off_total").increment(1);
                self.postpone(claimed).await;
                Err(error.into())
            }
            Attempt::NotBegun(error) => {
                waiting.push(claimed.clone());
                Err(error.into())
            }
        }
    }

    /// Waits for an attempt. Where it takes long, the mails behind it are given back
    /// for others to send, and its own lease is renewed.
    async fn hold(
        &self,
        attempt: impl Future<Output = Attempt>,
        claimed: &Claimed,
        waiting: &mut Vec<Claimed>,
        claimed_at: Instant,
    ) -> Attempt {
        let mut renewal = interval_at((claimed_at + HOLD_MAX).into(), RENEW_INTERVAL);
        let farewell = async {
            self.shutdown.cancelled().await;
            sleep(FAREWELL_MAX).await;
        };
        tokio::pin!(attempt, farewell);
        loop {
            tokio::select! {
                biased;
                attempt = &mut attempt => return attempt,
                () = &mut farewell => return Attempt::CutOff(CutOff::process_ends()),
                _ = renewal.tick() => {
                    self.give_back(waiting).await;
                    self.renew(claimed).await;
                }
            }
        }
    }

    /// Waits for something to do.
    async fn idle(&mut self) {
        if self.used.elapsed() > CONNECTION_IDLE_MAX
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

    /// Pauses, longer each time until a mail is answered again.
    async fn rest(&mut self, obstacle: &Obstacle) {
        tracing::warn!(error = %chain(obstacle), "mails wait");
        let pause = self.pause.mul_f64(0.5 + rand::random::<f64>() / 2.0);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        let _ = timeout(pause, self.shutdown.cancelled()).await;
    }

    // What follows is a kindness: where the database does not answer, the lease runs
    // off, and that does as well.

    async fn give_back(&self, batch: &mut Vec<Claimed>) {
        let Some(claim_id) = batch.first().map(|claimed| claimed.claim_id) else {
            return;
        };
        let ids: Vec<NotificationId> = batch.drain(..).map(|claimed| claimed.id).collect();
        if let Ok(mut connection) = self.delivery.app.database.connection().await {
            let _ = db::release(&mut connection, claim_id, &ids).await;
        }
        self.delivery.app.mails_due.notify();
    }

    async fn postpone(&self, claimed: &Claimed) {
        let Claimed { claim_id, id, .. } = *claimed;
        if let Ok(mut connection) = self.delivery.app.database.connection().await {
            let _ = db::postpone(&mut connection, claim_id, id, claimed.postponement()).await;
        }
    }

    async fn renew(&self, claimed: &Claimed) {
        if let Ok(mut connection) = self.delivery.app.database.connection().await {
            let _ = db::renew(&mut connection, claimed.claim_id, claimed.id, LEASE).await;
        }
    }
}

/// Sends a mail, over a new connection where there is none.
async fn attempt(server: &Server, connection: Option<Connection>, message: &Message) -> Attempt {
    let connection = match connection {
        Some(connection) => connection,
        None => match server.connect().await {
            Ok(connection) => connection,
            Err(error) => return Attempt::NotBegun(error),
        },
    };
    match connection.send(message).await {
        Sending::Accepted(reply, connection) => Attempt::Answered(reply, Some(connection)),
        Sending::Refused(reply) => Attempt::Answered(reply, None),
        Sending::CutOff(error) => Attempt::CutOff(error),
    }
}

/// Has an answer written, for as long as it takes: the mail went out, and an answer
/// that is not written would send it again.
async fn keep_marking(delivery: Arc<Delivery>, mark: Mark, shutdown: CancellationToken) {
    let mut delay = PAUSE_MIN;
    loop {
        match delivery.marks.submit(mark.clone()).await {
            Ok(true) => return,
            Ok(false) => {
                metrics::counter!("mail_claims_lost_total").increment(1);
                tracing::warn!("a claim was lost while its mail was under way");
                return;
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "an answer waits to be written");
            }
        }
        if shutdown.is_cancelled() {
            return;
        }
        let _ = timeout(delay, shutdown.cancelled()).await;
        delay = (delay * 2).min(PAUSE_MAX);
    }
}
