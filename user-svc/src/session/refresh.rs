//! Refresh: rotates the refresh token of a session, or revokes its family after a reuse.

use chrono::Utc;

use crate::{
    App,
    db::sessions,
    error::Error,
    secret::Secret,
    session::{Carrier, IssuedTokens, RefreshDecision, Session, decide_refresh},
};

/// Exchanges a refresh token, which `carrier` presents, for an access token and the next refresh token.
pub(crate) async fn refresh_session(
    app: &App,
    refresh_token: &Secret,
    carrier: Carrier,
) -> Result<IssuedTokens, Error> {
    let (presented, next) = (refresh_token.hash(), Secret::random());
    let now = Utc::now();
    let transaction = app.database.transaction(async |connection| {
        let found = sessions::lock_token(connection, &presented, now).await?;
        let (token, session, user) = found.ok_or(Error::RefreshTokenInvalid)?;
        match decide_refresh(&token, carrier, now) {
            RefreshDecision::Reject => Err(Error::RefreshTokenInvalid),
            RefreshDecision::Revoke => {
                sessions::revoke_session(connection, session.id, user.id).await?;
                // Not an error, which would roll the revocation back.
                Ok((session, None))
            }
            RefreshDecision::Rotate => {
                if user.is_disabled() {
                    return Err(Error::AccountDisabled);
                }
                let created_at = session.created_at;
                let expires_at = app.session_lifetime.expires_at(created_at, user.role, now);
                if expires_at <= now {
                    return Err(Error::RefreshTokenInvalid);
                }
                sessions::mark_tokens_used(connection, session.id, now).await?;
                sessions::delete_old_tokens(connection, session.id).await?;
                let hash = next.hash();
                sessions::insert_token(connection, session.id, &hash, carrier, expires_at).await?;
                sessions::extend_session(connection, session.id, now, expires_at).await?;
                Ok((Session { expires_at, ..session }, Some(user)))
            }
        }
    });
    let (session, user) = transaction.await?;
    let Some(user) = user else {
        metrics::counter!("refresh_tokens_reused_total").increment(1);
        let session_id = session.id;
        tracing::warn!(%session_id, "a used refresh token was presented; its session is revoked");
        return Err(Error::RefreshTokenInvalid);
    };
    let access_token = app.issuer.user_token(&user, session.id.0)?;
    let refresh_duration = (session.expires_at - now).to_std().unwrap_or_default();
    Ok(IssuedTokens { access_token, refresh_token: next, refresh_duration, carrier, user })
}
