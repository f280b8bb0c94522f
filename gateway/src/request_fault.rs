//! Why a request body was rejected. The client gets the reason in the response; the service sees only
//! that the call was cancelled.

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::BodyExt;
use mesh::request_body::RequestBody;
use tonic::{Status, body::Body};

/// The status of the rejection of a request body, if it was rejected.
#[derive(Clone, Default)]
pub(crate) struct Fault(Arc<Mutex<Option<Status>>>);

impl Fault {
    /// Returns the status, once.
    pub(crate) fn take(&self) -> Option<Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Records the status with which `body` ends.
    pub(crate) fn record(&self, body: RequestBody) -> Body {
        let fault = self.clone();
        Body::new(body.map_err(move |status| {
            *fault.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(status.clone());
            status
        }))
    }
}
