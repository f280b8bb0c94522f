//! A session of the database, and the guard through which the pool lends it.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use deadpool::managed::{self, Metrics, Object, RecycleError, RecycleResult};
use diesel::{ConnectionError, connection::InstrumentationEvent};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, SimpleAsyncConnection, TransactionManager,
};
use futures::FutureExt;

use super::{Connection, Connector, wire::Activity};

/// The statement timeouts that sessions switch between. Few, so that a session seldom does.
const STATEMENT_TIMEOUTS: [Duration; 7] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(20),
];

/// A connection and what is known of it.
pub(super) struct Session {
    pub(super) connection: Connection,
    activity: Arc<Activity>,
    statement_timeout: Duration,
    statement_timeout_max: Duration,
}

impl Session {
    pub(super) fn new(
        mut connection: Connection,
        activity: Arc<Activity>,
        statement_timeout: Duration,
    ) -> Self {
        let observer = activity.clone();
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            observer.record(&event);
        });
        Self { connection, activity, statement_timeout, statement_timeout_max: statement_timeout }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.activity.is_closed()
    }

    fn is_reusable(&mut self) -> bool {
        self.activity.is_reusable()
            && !AnsiTransactionManager::is_broken_transaction_manager(&mut self.connection)
    }

    /// Sets the statement timeout to the smallest one that is not less than `time`. The request goes
    /// ahead of the caller's first statement and costs no round trip.
    fn limit_statements(&mut self, time: Duration) {
        let timeouts = STATEMENT_TIMEOUTS.into_iter().filter(|timeout| *timeout >= time);
        let timeout = timeouts.min().unwrap_or(self.statement_timeout_max);
        let timeout = timeout.min(self.statement_timeout_max);
        if timeout == self.statement_timeout {
            return;
        }
        self.statement_timeout = timeout;
        let set = format!("SET statement_timeout = {}", timeout.as_millis());
        // The first poll sends it. Nobody waits for the response, so diesel reports no end.
        if (&self.connection).batch_execute(&set).now_or_never().is_none() {
            self.activity.finish_statement();
        }
    }
}

/// Opens the sessions of a pool.
pub(super) struct Manager(pub(super) Connector);

impl managed::Manager for Manager {
    type Type = Session;
    type Error = ConnectionError;

    async fn create(&self) -> Result<Session, ConnectionError> {
        self.0.connect().await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<ConnectionError> {
        if session.is_reusable() {
            return Ok(());
        }
        Err(RecycleError::message("the connection was closed"))
    }
}

/// A connection of the pool.
///
/// **Invariant:** it returns to the pool only without a statement and a transaction in progress, so
/// a caller that is cancelled leaves nothing to the next one.
pub struct PooledConnection {
    /// Always there until the drop.
    object: Option<Object<Manager>>,
}

impl PooledConnection {
    pub(super) fn new(object: Object<Manager>) -> Self {
        Self { object: Some(object) }
    }

    pub(super) fn limit_statements(&mut self, time: Duration) {
        self.session_mut().limit_statements(time);
    }

    fn session_mut(&mut self) -> &mut Session {
        self.object.as_mut().expect("it is there until the drop")
    }
}

impl Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.object.as_ref().expect("it is there until the drop").connection
    }
}

impl DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.session_mut().connection
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if let Some(mut object) = self.object.take()
            && !object.is_reusable()
        {
            // Closes the connection. A server that is idle in a transaction rolls back at once, and
            // one that executes a statement notices within `client_connection_check_interval`.
            drop(Object::take(object));
        }
    }
}
