//! Access tokens as this service issues them: what they say and how long.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mesh::{Error, config::TokenConfig, identity::Claims};
use uuid::Uuid;

use crate::{
    session::SessionId,
    signing::SigningKeys,
    user::{ApiClient, Role, User},
};

/// How long an access token lives.
pub const ACCESS_TOKEN_DURATION: Duration = Duration::from_secs(600);

/// Issues access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Issuer {
    keys: SigningKeys,
    issuer: Arc<str>,
    audience: Arc<str>,
}

impl Issuer {
    /// Signs with `keys`.
    pub fn new(config: &TokenConfig, keys: SigningKeys) -> Self {
        Self {
            keys,
            issuer: config.token_issuer.as_str().into(),
            audience: config.token_audience.as_str().into(),
        }
    }

    /// A token for a session of an account.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn user_token(&self, user: &User, session_id: SessionId) -> Result<String, Error> {
        let claims = self.claims(user.id.0, user.role, user.display_name.clone());
        self.keys.sign(&Claims {
            sid: Some(session_id.0),
            email: Some(user.email.as_str().to_owned()),
            ..claims
        })
    }

    /// A token for an API client.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn client_token(&self, client: ApiClient) -> Result<String, Error> {
        self.keys.sign(&self.claims(client.id.0, client.role, client.name))
    }

    fn claims(&self, sub: Uuid, role: Role, name: String) -> Claims {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Claims {
            iss: self.issuer.to_string(),
            aud: self.audience.to_string(),
            sub,
            exp: now + ACCESS_TOKEN_DURATION.as_secs(),
            iat: now,
            jti: Uuid::new_v4(),
            sid: None,
            role: role.as_str().to_owned(),
            email: None,
            name,
        }
    }
}
