//! Changes of rights: of roles, of disabled accounts, and of API clients. Does no I/O.

pub(crate) mod authorize;

use mesh::identity::Claims;
use uuid::Uuid;

use crate::user::UserId;

/// Who changes rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor {
    User(UserId),
    /// An API client, by its id.
    Client(Uuid),
}

impl Actor {
    /// Returns the bearer of a token. Only the token of an account belongs to a session.
    pub(crate) fn of(claims: &Claims) -> Self {
        if claims.sid.is_some() { Self::User(UserId(claims.sub)) } else { Self::Client(claims.sub) }
    }

    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.0,
            Self::Client(id) => id,
        }
    }
}
