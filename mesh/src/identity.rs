//! Who calls: the claims of an access token, as handlers see them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The claims of an access token. Source: RFC 7519, and `sid` of OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// UUID of the account or API client.
    pub sub: uuid::Uuid,
    /// Expiry, seconds since 1970.
    pub exp: u64,
    /// Issue time, seconds since 1970.
    pub iat: u64,
    /// UUID of the token.
    pub jti: uuid::Uuid,
    /// UUID of the session. An API client has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<uuid::Uuid>,
    /// A role of the contract in lower case, such as `admin` for `ACCESS_ADMIN`.
    pub role: String,
    /// Email address of the account. An API client has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the owner of the account has shown that the address is theirs. Absent in a token:
    /// false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_verified: bool,
    /// Display name of the account, or name of the API client.
    pub name: String,
}

impl Claims {
    /// Returns the time until the token expires.
    pub fn time_left(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_secs(self.exp).saturating_sub(now)
    }
}

/// Returns the claims that the authorization layer stored in the extensions of `request`.
///
/// # Errors
/// [`Error::TokenMissing`] for a method that needs no token.
pub fn claims<T>(request: &tonic::Request<T>) -> Result<Arc<Claims>, Error> {
    request.extensions().get::<Arc<Claims>>().cloned().ok_or(Error::TokenMissing)
}
