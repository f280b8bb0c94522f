//! The audit of privileged calls: who calls a method that only the highest role may call and that
//! changes something. The transaction of the handler finds the call here, whatever the method.
//! Knows nothing of how entries are stored.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use http::{Extensions, Response};
use tonic::{Code, body::Body};
use uuid::Uuid;

use crate::{access::Method, call::status_code, error::Error, identity::Claims, telemetry};

tokio::task_local! {
    static CALL: Arc<Call>;
}

/// A call of an audited method.
///
/// **Invariant:** it succeeds only if its handler has stated what it changes, or that it changes
/// nothing. So no method can forget its entries.
#[derive(Debug)]
pub struct Call {
    /// Full name of the method, such as `example.v1.NoteService/DeleteNote`.
    pub method: String,
    /// UUID of the account or API client that calls.
    pub actor_id: Uuid,
    /// Whether the caller is an API client: its token belongs to no session.
    pub is_client: bool,
    /// When the call began.
    pub time: SystemTime,
    /// Id of its trace, 32 hex digits.
    pub trace_id: String,
    /// Whether the changes of the current transaction are stated.
    transaction_stated: AtomicBool,
    /// Whether the changes of a committed transaction are stated, or that there are none.
    stated: AtomicBool,
}

impl Call {
    /// Returns the call of a request that is authorized, if `method` is audited.
    pub(crate) fn of(method: &Method, extensions: &Extensions) -> Option<Arc<Self>> {
        let claims = extensions.get::<Arc<Claims>>().filter(|_| method.is_audited())?;
        Some(Arc::new(Self {
            method: format!("{}/{}", method.service, method.name),
            actor_id: claims.sub,
            is_client: claims.sid.is_none(),
            time: SystemTime::now(),
            trace_id: telemetry::trace_id(),
            transaction_stated: AtomicBool::new(false),
            stated: AtomicBool::new(false),
        }))
    }

    /// Begins a transaction of the call: its changes are not stated yet.
    pub fn begin_transaction(&self) {
        self.transaction_stated.store(false, Ordering::Relaxed);
    }

    /// Records that the changes of the current transaction are stated.
    pub fn state(&self) {
        self.transaction_stated.store(true, Ordering::Relaxed);
    }

    /// Checks before its commit that the changes of the current transaction are stated.
    ///
    /// # Errors
    /// [`Error::Internal`]: nothing may be committed.
    pub fn check_transaction(&self) -> Result<(), Error> {
        if self.transaction_stated.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(self.unstated("a transaction"))
        }
    }

    /// Records that a transaction was committed whose changes are stated.
    pub fn complete_transaction(&self) {
        self.stated.store(true, Ordering::Relaxed);
    }

    fn unstated(&self, what: &str) -> Error {
        Error::internal(format!("{what} of {} states no changes for the audit", self.method))
    }
}

/// Returns the current call, if it is one of an audited method.
pub fn current() -> Option<Arc<Call>> {
    CALL.try_with(Arc::clone).ok()
}

/// States that the current call, or its current transaction, changes nothing.
pub fn unchanged() {
    if let Some(call) = current() {
        call.state();
        call.complete_transaction();
    }
}

/// Returns `future` as a part of the current call, for a task of its own.
pub fn in_current_call<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let call = current();
    async move {
        match call {
            Some(call) => CALL.scope(call, future).await,
            None => future.await,
        }
    }
}

/// Runs the handler of a call, and checks that an audited one that succeeds has stated its changes.
pub(crate) async fn handle(
    call: Option<Arc<Call>>,
    handler: impl Future<Output = Response<Body>>,
) -> Result<Response<Body>, Error> {
    let Some(call) = call else { return Ok(handler.await) };
    let response = CALL.scope(call.clone(), handler).await;
    let succeeded = status_code(response.headers()).unwrap_or(Code::Ok) == Code::Ok;
    if succeeded && !call.stated.load(Ordering::Relaxed) {
        return Err(call.unstated("a call"));
    }
    Ok(response)
}
