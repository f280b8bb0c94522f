//! The errors of user-svc: conditions with their data, and how a client sees them.

use std::collections::HashMap;

use mesh::error::ServiceError;
use tonic::Code;
use tonic_types::ErrorDetails;

use crate::{api_client::ApiClientId, session::SessionId, user::UserId};

#[derive(Debug, thiserror::Error)]
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
    #[error("the link is used, expired, replaced or forged")]
    LinkInvalid,
    #[error("an admin cannot disable or demote its own account")]
    OwnAccount,
    #[error("no enabled admin would remain")]
    LastAdmin,
    #[error("the request_id was used for another request")]
    RequestIdReused,
    #[error(transparent)]
    Mesh(#[from] mesh::Error),
}

mesh_data::convert_errors!(Error);

impl ServiceError for Error {
    fn code(&self) -> Code {
        match self {
            Self::EmailTaken => Code::AlreadyExists,
            Self::BadCredentials | Self::RefreshTokenInvalid => Code::Unauthenticated,
            Self::AccountDisabled => Code::PermissionDenied,
            Self::UserNotFound { .. }
            | Self::SessionNotFound { .. }
            | Self::ApiClientNotFound { .. } => Code::NotFound,
            Self::OwnAccount | Self::LastAdmin => Code::FailedPrecondition,
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
            Self::LastAdmin => "LAST_ADMIN",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::Mesh(error) => error.reason(),
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let (key, id) = match self {
            Self::UserNotFound { user_id } => ("user_id", user_id.to_string()),
            Self::SessionNotFound { session_id } => ("session_id", session_id.to_string()),
            Self::ApiClientNotFound { client_id } => ("client_id", client_id.to_string()),
            Self::Mesh(error) => return error.metadata(),
            Self::EmailTaken
            | Self::BadCredentials
            | Self::RefreshTokenInvalid
            | Self::AccountDisabled
            | Self::LinkInvalid
            | Self::OwnAccount
            | Self::LastAdmin
            | Self::RequestIdReused => return HashMap::new(),
        };
        HashMap::from([(key.to_owned(), id)])
    }

    fn describe(&self, details: &mut ErrorDetails) {
        let (kind, id, description) = match self {
            Self::UserNotFound { user_id } => ("user", user_id.to_string(), "no such account"),
            Self::SessionNotFound { session_id } => {
                ("session", session_id.to_string(), "no such session")
            }
            Self::ApiClientNotFound { client_id } => {
                ("api_client", client_id.to_string(), "no such API client")
            }
            Self::Mesh(error) => return error.describe(details),
            Self::EmailTaken
            | Self::BadCredentials
            | Self::RefreshTokenInvalid
            | Self::AccountDisabled
            | Self::LinkInvalid
            | Self::OwnAccount
            | Self::LastAdmin
            | Self::RequestIdReused => return,
        };
        details.set_resource_info(kind, id, "", description);
    }
}
