//! Errors that any program of the mesh has, and the one conversion from an error to a gRPC status:
//! code, `ErrorInfo`, fitting details, and nothing internal in the text.

use std::{collections::HashMap, error::Error as StdError, time::Duration};

use prost::{Message, Name};
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt, pb};

use crate::{BoxError, telemetry, validate::Violations};

/// `ErrorInfo.domain` of every error.
pub const DOMAIN: &str = "shopmesh";

/// An error with gRPC code, reason and details, as a client sees it. The error enum of each service
/// implements it.
pub trait ServiceError: StdError {
    /// Returns the canonical gRPC code.
    fn code(&self) -> Code;

    /// Returns `ErrorInfo.reason`, in UPPER_SNAKE.
    fn reason(&self) -> &'static str;

    /// Returns `ErrorInfo.metadata`.
    fn metadata(&self) -> HashMap<String, String> {
        HashMap::new()
    }

    /// Adds further details: violations, when to retry, which resource.
    fn describe(&self, _details: &mut ErrorDetails) {}

    /// Returns details that are messages of the contract, each made by [`detail`].
    fn contract_details(&self) -> Vec<Any> {
        Vec::new()
    }

    /// Returns the status of another service that is passed on unchanged.
    fn forwarded(&self) -> Option<&Status> {
        None
    }
}

/// The codes of statuses that every gRPC library creates by itself, so always without details.
const CODES_WITHOUT_DETAILS: [Code; 2] = [Code::Unimplemented, Code::DeadlineExceeded];

/// Returns the status that a client gets for `error`. An internal error is logged here, once and
/// with its causes; the client sees only the trace id.
pub fn status(error: &impl ServiceError) -> Status {
    if let Some(status) = error.forwarded() {
        return status.clone();
    }
    if CODES_WITHOUT_DETAILS.contains(&error.code()) {
        return Status::new(error.code(), error.to_string());
    }
    let mut details = ErrorDetails::new();
    details.set_error_info(error.reason(), DOMAIN, error.metadata());
    error.describe(&mut details);
    let message = match error.code() {
        Code::Internal => {
            tracing::error!(error = %chain(error), "internal error");
            format!("internal error {}", telemetry::trace_id())
        }
        Code::Unavailable => {
            tracing::warn!(error = %chain(error), reason = error.reason(), "unavailable");
            error.to_string()
        }
        _ => error.to_string(),
    };
    let status = Status::with_error_details(error.code(), message, details);
    append_details(status, error.contract_details())
}

/// Returns `message` as a detail of an error.
pub fn detail<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// Appends what [`ErrorDetails`] has no type for.
fn append_details(status: Status, more: Vec<Any>) -> Status {
    if more.is_empty() {
        return status;
    }
    let mut details = pb::Status::decode(status.details()).unwrap_or_default();
    details.details.extend(more);
    Status::with_details(status.code(), status.message(), details.encode_to_vec().into())
}

/// Returns an error and all its causes as one line for a log.
pub fn chain(error: &(impl StdError + ?Sized)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The errors that any program of the mesh has.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some fields of the request are bad; each is reported.
    #[error("{0}")]
    Invalid(Violations),
    /// The call has no `authorization: Bearer …` header.
    #[error("an access token is required")]
    TokenMissing,
    /// The access token has expired.
    #[error("the access token has expired")]
    TokenExpired,
    /// The access token is malformed, forged or not issued by us.
    #[error("the access token is not valid")]
    TokenInvalid,
    /// The role of the access token is too low.
    #[error("role {role} is required")]
    RoleRequired {
        /// The lowest role that suffices.
        role: String,
    },
    /// Only another service may call the method, or nobody.
    #[error("this service may not call the method")]
    CallerNotAllowed,
    /// The method does not exist.
    #[error("there is no such method")]
    MethodUnknown,
    /// The deadline of the call has passed. The outcome is unknown.
    #[error("the deadline has passed")]
    DeadlineExceeded,
    /// The call was shed, because too many are in flight.
    #[error("too many calls are in flight")]
    Overloaded,
    /// The message is larger than the service accepts.
    #[error("the message is too large")]
    MessageTooLarge,
    /// Too many attempts within the window of a limit.
    #[error("too many attempts")]
    RateLimited {
        /// When the next attempt is allowed.
        retry_after: Duration,
    },
    /// A dependency of the call is down.
    #[error("a required service is not available at the moment")]
    Unavailable {
        /// A reason of the contract, such as `USER_SVC_UNAVAILABLE`.
        reason: &'static str,
        /// The cause.
        source: BoxError,
    },
    /// A fault of the program itself.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

impl Error {
    /// Wraps an error that is a fault of the program itself.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::Internal(source.into())
    }

    /// Returns whether the error is transient: the same call may succeed later by itself.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::DeadlineExceeded | Self::Overloaded)
    }
}

impl Violations {
    /// Returns `value` if there is no violation.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all violations.
    pub fn finish<T>(self, value: T) -> Result<T, Error> {
        if self.is_empty() { Ok(value) } else { Err(Error::Invalid(self)) }
    }
}

impl ServiceError for Error {
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::TokenMissing | Self::TokenExpired | Self::TokenInvalid => Code::Unauthenticated,
            Self::RoleRequired { .. } | Self::CallerNotAllowed => Code::PermissionDenied,
            Self::MethodUnknown => Code::Unimplemented,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Overloaded | Self::MessageTooLarge | Self::RateLimited { .. } => {
                Code::ResourceExhausted
            }
            Self::Unavailable { .. } => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "VALIDATION_FAILED",
            Self::TokenMissing => "TOKEN_MISSING",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::TokenInvalid => "TOKEN_INVALID",
            Self::RoleRequired { .. } => "ROLE_REQUIRED",
            Self::CallerNotAllowed => "CALLER_NOT_ALLOWED",
            Self::MethodUnknown => "METHOD_UNKNOWN",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Overloaded => "OVERLOADED",
            Self::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Unavailable { reason, .. } => reason,
            Self::Internal(_) => "INTERNAL",
        }
    }

    fn describe(&self, details: &mut ErrorDetails) {
        match self {
            Self::Invalid(violations) => violations.describe(details),
            Self::Overloaded | Self::Unavailable { .. } => {
                details.set_retry_info(Some(Duration::from_millis(200)));
            }
            Self::RateLimited { retry_after } => {
                details.set_retry_info(Some(*retry_after));
            }
            _ => {}
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        status(&error)
    }
}
