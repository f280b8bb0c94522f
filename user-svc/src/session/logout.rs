//! Logout and revocation: end sessions before they expire.

use crate::{App, db::sessions, error::Error, session::SessionId, user::UserId};

/// Ends the session of an access token.
pub(crate) async fn logout(app: &App, user_id: UserId, id: SessionId) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    Ok(sessions::revoke_session(&mut connection, id, user_id).await?)
}

/// Ends all sessions of an account.
pub(crate) async fn logout_everywhere(app: &App, user_id: UserId) -> Result<(), Error> {
    app.database
        .transaction(async |connection| {
            Ok(sessions::revoke_sessions(connection, user_id, None).await?)
        })
        .await
}

/// Ends a session of an account. One that has ended already is no error.
pub(crate) async fn revoke_session(app: &App, user_id: UserId, id: SessionId) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    if !sessions::has_session(&mut connection, id, user_id).await? {
        return Err(Error::SessionNotFound { session_id: id });
    }
    Ok(sessions::revoke_session(&mut connection, id, user_id).await?)
}
