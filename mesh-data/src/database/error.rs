//! Errors of statements, classified by SQLSTATE: the server's messages depend on its `lc_messages`.
//!
//! Source: PostgreSQL, "Appendix A. PostgreSQL Error Codes".

use std::{error::Error as StdError, iter};

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use mesh::{BoxError, Error, error::ServiceError};
use tonic::Code;

const POSTGRES_UNAVAILABLE: &str = "POSTGRES_UNAVAILABLE";
/// The server cancelled the statement at its `statement_timeout`.
const QUERY_CANCELED: &str = "57014";
/// Beginnings of the SQLSTATEs after which the same statement may succeed by itself: lost
/// connection, read-only server, idle session ended, statement to be prepared again, deadlock,
/// resources, lock not available, shutdown.
const UNAVAILABLE: [&str; 9] = ["08", "0A000", "25006", "25P03", "26000", "40", "53", "55", "57"];
/// Beginnings of further SQLSTATEs that say nothing about the data of a statement, but that the
/// schema, the permissions or the server have to change: wrong for a caller, and for an event a
/// reason to wait.
const NOT_ABOUT_THE_DATA: [&str; 5] = ["42501", "42703", "42P01", "58", "XX"];

/// Wraps an error whose cause is that the database is unavailable.
pub fn postgres_unavailable(source: impl Into<BoxError>) -> Error {
    Error::Unavailable { reason: POSTGRES_UNAVAILABLE, source: source.into() }
}

/// Converts an error of any statement. The `db` module of a service converts violations of its
/// constraints before.
pub fn convert_error(error: DieselError) -> Error {
    if sqlstate(&error) == Some(QUERY_CANCELED) {
        return Error::DeadlineExceeded;
    }
    if is_connection_lost(&error) || has_sqlstate(&error, &UNAVAILABLE) {
        return postgres_unavailable(error);
    }
    Error::internal(error)
}

/// Returns whether `error` may disappear while the same request or event is tried again.
pub(crate) fn is_transient(error: &(impl ServiceError + 'static)) -> bool {
    const TRANSIENT: [Code; 3] =
        [Code::DeadlineExceeded, Code::ResourceExhausted, Code::Unavailable];
    let first = Some(error as &(dyn StdError + 'static));
    let causes = iter::successors(first, |cause| (*cause).source());
    let mut statement_errors = causes.filter_map(|cause| cause.downcast_ref::<DieselError>());
    TRANSIENT.contains(&error.code())
        || statement_errors.any(|error| has_sqlstate(error, &NOT_ABOUT_THE_DATA))
}

fn is_connection_lost(error: &DieselError) -> bool {
    use DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
    matches!(
        error,
        DieselError::DatabaseError(ClosedConnection | UnableToSendCommand, _)
            | DieselError::BrokenTransactionManager
    )
}

fn has_sqlstate(error: &DieselError, beginnings: &[&str]) -> bool {
    let state = sqlstate(error);
    state.is_some_and(|state| beginnings.iter().any(|beginning| state.starts_with(beginning)))
}

/// Returns the SQLSTATE, with which each message of the server begins (see `wire`).
fn sqlstate(error: &DieselError) -> Option<&str> {
    let DieselError::DatabaseError(_, information) = error else {
        return None;
    };
    let (state, _) = information.message().split_once(": ")?;
    let is_code = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    (state.len() == 5 && state.bytes().all(is_code)).then_some(state)
}

/// Implements the conversions of a service's error enum, which has a variant `Mesh(mesh::Error)`
/// and implements `mesh::error::ServiceError`: from an error of the database, and to a gRPC status.
#[macro_export]
macro_rules! convert_errors {
    ($error:ty) => {
        impl ::std::convert::From<::diesel::result::Error> for $error {
            fn from(error: ::diesel::result::Error) -> Self {
                Self::Mesh($crate::database::convert_error(error))
            }
        }

        impl ::std::convert::From<$error> for ::tonic::Status {
            fn from(error: $error) -> Self {
                ::mesh::error::status(&error)
            }
        }
    };
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests {
    use super::*;

    fn database_error(message: &str) -> DieselError {
        let information = Box::new(message.to_owned());
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, information)
    }

    #[test]
    fn errors_are_classified_by_sqlstate_alone() {
        for (state, is_unavailable, transient) in [
            ("08006", true, true),
            ("40001", true, true),
            ("40P01", true, true),
            ("53100", true, true),
            ("53200", true, true),
            ("55P03", true, true),
            ("57P01", true, true),
            ("57P03", true, true),
            ("25006", true, true),
            ("0A000", true, true),
            ("26000", true, true),
            ("58030", false, true),
            ("XX000", false, true),
            ("42P01", false, true),
            ("42703", false, true),
            ("42501", false, true),
            ("22003", false, false),
            ("22P02", false, false),
            ("23505", false, false),
            ("23514", false, false),
            ("42601", false, false),
        ] {
            let error = convert_error(database_error(&format!("{state}: Ein Fehler: 57P01")));
            assert_eq!(error.code() == Code::Unavailable, is_unavailable, "{state}");
            assert_eq!(error.code() == Code::Internal, !is_unavailable, "{state}");
            assert_eq!(is_transient(&error), transient, "{state}");
        }
        let timeout = convert_error(database_error("57014: storniere Anfrage"));
        assert!(matches!(timeout, Error::DeadlineExceeded));
        let unknown = convert_error(database_error("canceling statement due to lock timeout"));
        assert!(matches!(unknown, Error::Internal(_)));
    }
}
