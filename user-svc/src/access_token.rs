//! Issues access tokens. Does no I/O.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mesh::{Error, config::TokenConfig, identity::Claims};
use uuid::Uuid;

use crate::{
    api_client::ApiClient,
    signing_key::SigningKeys,
    user::{Role, User},
};

/// How long the token of a customer is valid.
const CUSTOMER_DURATION: Duration = Duration::from_secs(600);

/// An access token, as a response has it.
#[derive(Debug)]
pub(crate) struct AccessToken {
    pub token: String,
    /// Seconds until it expires.
    pub expires_in: i64,
}

/// Issues access tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Issuer {
    keys: SigningKeys,
    issuer: Arc<str>,
    audience: Arc<str>,
    /// How long the token of an admin is valid.
    admin_duration: Duration,
}

impl Issuer {
    pub(crate) fn new(config: &TokenConfig, keys: SigningKeys, admin_duration: Duration) -> Self {
        Self {
            keys,
            issuer: config.token_issuer.as_str().into(),
            audience: config.token_audience.as_str().into(),
            admin_duration,
        }
    }

    /// Issues a token for the session of an account with this id.
    pub(crate) fn user_token(&self, user: &User, session_id: Uuid) -> Result<AccessToken, Error> {
        let claims = self.claims(user.id.0, user.role, user.display_name.clone());
        self.sign(&Claims {
            sid: Some(session_id),
            email: Some(user.email.as_str().to_owned()),
            email_verified: user.email_verified,
            ..claims
        })
    }

    /// Issues a token for an API client.
    pub(crate) fn client_token(&self, client: ApiClient) -> Result<AccessToken, Error> {
        self.sign(&self.claims(client.id.0, client.role, client.name))
    }

    fn sign(&self, claims: &Claims) -> Result<AccessToken, Error> {
        let expires_in = (claims.exp - claims.iat).cast_signed();
        Ok(AccessToken { token: self.keys.sign(claims)?, expires_in })
    }

    fn claims(&self, sub: Uuid, role: Role, name: String) -> Claims {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let duration = match role {
            Role::Customer => CUSTOMER_DURATION,
            Role::Admin => self.admin_duration,
        };
        Claims {
            iss: self.issuer.to_string(),
            aud: self.audience.to_string(),
            sub,
            exp: now + duration.as_secs(),
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
