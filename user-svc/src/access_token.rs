//! Issues access tokens. Does no I/O.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mesh::{Error, config::TokenConfig, identity::Claims};
use uuid::Uuid;

use crate::{
    api_client::ApiClient,
    session::SessionId,
    signing_key::SigningKeys,
    user::{Role, User},
};

const ACCESS_TOKEN_DURATION: Duration = Duration::from_secs(600);

/// `expires_in` of every access token.
pub(crate) const EXPIRES_IN_SECONDS: i64 = ACCESS_TOKEN_DURATION.as_secs() as i64;

/// Issues access tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Issuer {
    keys: SigningKeys,
    issuer: Arc<str>,
    audience: Arc<str>,
}

impl Issuer {
    pub(crate) fn new(config: &TokenConfig, keys: SigningKeys) -> Self {
        Self {
            keys,
            issuer: config.token_issuer.as_str().into(),
            audience: config.token_audience.as_str().into(),
        }
    }

    /// Issues a token for a session of an account.
    pub(crate) fn user_token(&self, user: &User, session_id: SessionId) -> Result<String, Error> {
        let claims = self.claims(user.id.0, user.role, user.display_name.clone());
        self.keys.sign(&Claims {
            sid: Some(session_id.0),
            email: Some(user.email.as_str().to_owned()),
            email_verified: user.email_verified,
            ..claims
        })
    }

    /// Issues a token for an API client.
    pub(crate) fn client_token(&self, client: ApiClient) -> Result<String, Error> {
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
            email_verified: false,
            name,
        }
    }
}
