//! What goes wrong in user-svc, as facts with their data.

use std::collections::HashMap;

use mesh::error::{Fact, status};
use tonic::{Code, Status};
use tonic_types::ErrorDetails;

/// What goes wrong in user-svc.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Error {
    #[error("another account has this address")]
    EmailTaken,
    #[error("the credentials are wrong")]
    BadCredentials,
    #[error("the refresh token is used, unknown or expired")]
    RefreshTokenInvalid,
    #[error("the account is disabled")]
    AccountDisabled,
    #[error("there is no such account")]
    UserNotFound { user_id: String },
    #[error(transparent)]
    Mesh(#[from] mesh::Error),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Mesh(error.into())
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        status(&error)
    }
}

impl Fact for Error {
    fn code(&self) -> Code {
        match self {
            Self::EmailTaken => Code::AlreadyExists,
            Self::BadCredentials | Self::RefreshTokenInvalid => Code::Unauthenticated,
            Self::AccountDisabled => Code::PermissionDenied,
            Self::UserNotFound { .. } => Code::NotFound,
            Self::Mesh(error) => error.code(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::EmailTaken => "EMAIL_TAKEN",
            Self::BadCredentials => "BAD_CREDENTIALS",
            Self::RefreshTokenInvalid => "REFRESH_TOKEN_INVALID",
            Self::AccountDisabled => "ACCOUNT_DISABLED",
            Self::UserNotFound { .. } => "USER_NOT_FOUND",
            Self::Mesh(error) => error.reason(),
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::UserNotFound { user_id } => {
                HashMap::from([("user_id".to_owned(), user_id.clone())])
            }
            Self::Mesh(error) => error.metadata(),
            _ => HashMap::new(),
        }
    }

    fn describe(&self, details: &mut ErrorDetails) {
        match self {
            Self::UserNotFound { user_id } => {
                details.set_resource_info("user", user_id, "", "no such account");
            }
            Self::Mesh(error) => error.describe(details),
            _ => {}
        }
    }
}
