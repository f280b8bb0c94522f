//! What goes wrong in any service, and the one way from an error to a gRPC status:
//! code, `ErrorInfo`, fitting details, and nothing internal in the text.

use std::{collections::HashMap, error::Error as StdError, time::Duration};

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{telemetry, validate::Violations};

/// `ErrorInfo.domain` of every error.
pub const DOMAIN: &str = "shopmesh";

/// `reason` of an error whose cause is the service's own database.
pub const POSTGRES_UNAVAILABLE: &str = "POSTGRES_UNAVAILABLE";

/// An error as a client is told of it. A service's error enum is one.
pub trait Fact: StdError {
    /// Canonical gRPC code.
    fn code(&self) -> Code;

    /// `ErrorInfo.reason`, in UPPER_SNAKE.
    fn reason(&self) -> &'static str;

    /// `ErrorInfo.metadata`.
    fn metadata(&self) -> HashMap<String, String> {
        HashMap::new()
    }

    /// Adds what else fits: violations, when to retry, which resource.
    fn describe(&self, _details: &mut ErrorDetails) {}
}

/// The status that tells a client of `fact`. Where the fault is ours, the error and
/// its causes are logged here, once, and the client sees only the trace id.
pub fn status(fact: &impl Fact) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(fact.reason(), DOMAIN, fact.metadata());
    fact.describe(&mut details);
    let message = match fact.code() {
        Code::Internal => {
            tracing::error!(error = %chain(fact), "internal error");
            format!("internal error {}", telemetry::trace_id())
        }
        Code::Unavailable => {
            tracing::warn!(error = %chain(fact), reason = fact.reason(), "unavailable");
            fact.to_string()
        }
        _ => fact.to_string(),
    };
    Status::with_error_details(fact.code(), message, details)
}

/// An error and all its causes, in one line for a log.
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

/// An error of which a service tells only that it was its own fault.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What goes wrong in any service, whatever it is about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are bad; each is told.
    #[error("{0}")]
    Invalid(Violations),
    /// No `authorization: Bearer …` came with the call.
    #[error("an access token is required")]
    TokenMissing,
    /// The access token has run off.
    #[error("the access token has expired")]
    TokenExpired,
    /// The access token is none of ours.
    #[error("the access token is not valid")]
    TokenInvalid,
    /// The role of the access token does not suffice.
    #[error("role {role} is required")]
    RoleRequired {
        /// The role that would.
        role: &'static str,
    },
    /// Another service may call this, or none.
    #[error("this service may not call the method")]
    CallerNotAllowed,
    /// No such method.
    #[error("there is no such method")]
    MethodUnknown,
    /// The time that the caller gave is over. What the call did may stand.
    #[error("the deadline has passed")]
    DeadlineExceeded,
    /// Too much is under way.
    #[error("too many calls are under way")]
    Overloaded,
    /// The message is larger than the service reads.
    #[error("the message is too large")]
    MessageTooLarge,
    /// Too many tries.
    #[error("too many tries")]
    RateLimited {
        /// When to try again.
        retry_after: Duration,
    },
    /// Something the call cannot do without is down.
    #[error("a part of the shop is not available at the moment")]
    Unavailable {
        /// As in the contract, such as `POSTGRES_UNAVAILABLE`.
        reason: &'static str,
        /// What happened.
        source: BoxError,
    },
    /// Our own fault.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

impl Error {
    /// An error that is our own fault.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::Internal(source.into())
    }

    /// Whether the same call may succeed a little later without anyone doing
    /// anything about it.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::DeadlineExceeded | Self::Overloaded)
    }
}

impl Fact for Error {
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

/// Facts of the database that hold for every statement. What a constraint means is
/// for the `db.rs` of a service to say, before it comes here.
impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let timed_out = |text: &str| text.contains("canceling statement due to");
        let shutting_down = |text: &str| {
            text.contains("terminating connection")
                || text.contains("the database system is")
                || text.contains("cannot execute") && text.contains("read-only transaction")
        };
        match &error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction,
                _,
            )
            | DieselError::BrokenTransactionManager => postgres_unavailable(error),
            DieselError::DatabaseError(_, information) if timed_out(information.message()) => {
                Self::DeadlineExceeded
            }
            DieselError::DatabaseError(_, information) if shutting_down(information.message()) => {
                postgres_unavailable(error)
            }
            _ => Self::internal(error),
        }
    }
}

/// An error whose cause is that the service's own database is not there.
pub fn postgres_unavailable(source: impl Into<BoxError>) -> Error {
    Error::Unavailable { reason: POSTGRES_UNAVAILABLE, source: source.into() }
}
