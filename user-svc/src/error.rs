//! What goes wrong in user-svc, as facts with their data.

use std::collections::HashMap;

use mesh::error::{ServiceError, status};
use tonic::{Code, Status};
use tonic_types::ErrorDetails;

use crate::{
    session::SessionId,
    user::{ApiClientId, UserId},
};

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
    UserNotFound { user_id: UserId },
    #[error("there is no such session")]
    SessionNotFound { session_id: SessionId },
    #[error("there is no such API client")]
    ApiClientNotFound { client_id: ApiClientId },
    #[error("the link is used, expired, replaced or not ours")]
    LinkInvalid,
    #[error("an admin cannot disable or demote its own account")]
    OwnAccount,
    #[error("the request_id was used for another request")]
    RequestIdReused,
    #[error(transparent)]
    Mesh(#[from] mesh::Error),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Mesh(mesh_data::database::convert_error(error))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        status(&error)
    }
}

impl ServiceError for Error {
    fn code(&self) -> Code {
        match self {
            Self::EmailTaken => Code::AlreadyExists,
            Self::BadCredentials | Self::RefreshTokenInvalid => Code::Unauthenticated,
            Self::AccountDisabled => Code::PermissionDenied,
            Self::UserNotFound { .. }
            | Self::SessionNotFound { .. }
            | Self::ApiClientNotFound { .. } => Code::NotFound,
            Self::OwnAccount => Code::FailedPrecondition,
            Self::LinkInvalid | Self::RequestIdReused => Code::InvalidArgument,
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
            Self::SessionNotFound { .. } => "SESSION_NOT_FOUND",
            Self::ApiClientNotFound { .. } => "API_CLIENT_NOT_FOUND",
            Self::LinkInvalid => "LINK_INVALID",
            Self::OwnAccount => "OWN_ACCOUNT",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::Mesh(error) => error.reason(),
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::UserNotFound { user_id } => one("user_id", user_id),
            Self::SessionNotFound { session_id } => one("session_id", session_id),
            Self::ApiClientNotFound { client_id } => one("client_id", client_id),
            Self::Mesh(error) => error.metadata(),
            _ => HashMap::new(),
        }
    }

    fn describe(&self, details: &mut ErrorDetails) {
        match self {
            Self::UserNotFound { user_id } => {
                details.set_resource_info("user", user_id.to_string(), "", "no such account");
            }
            Self::SessionNotFound { session_id } => {
                let id = session_id.to_string();
                details.set_resource_info("session", id, "", "no such session");
            }
            Self::ApiClientNotFound { client_id } => {
                let id = client_id.to_string();
                details.set_resource_info("api_client", id, "", "no such API client");
            }
            Self::Mesh(error) => error.describe(details),
            _ => {}
        }
    }
}

fn one(key: &str, value: impl ToString) -> HashMap<String, String> {
    HashMap::from([(key.to_owned(), value.to_string())])
}
