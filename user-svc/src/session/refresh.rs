//! Refresh: rotates the refresh token of a session, or revokes its family after a reuse.

use chrono::Utc;

use crate::{
    App,
    db::sessions,
    error::Error,
    secret::Secret,
    session::{Carrier, IssuedTokens, RefreshDecision, decide_refresh},
};

/// Exchanges a refresh token, which `carrier` presents, for an access token and the next refresh token.
pub(crate) async fn refresh_session(
    app: &App,
    refresh_token: &Secret,
    carrier: Carrier,
) -> Result<IssuedTokens, Error> {
    let (presented, next) = (refresh_token.hash(), Secret::random());
    let transaction = app.database.transaction(async |connection| {
        let now = Utc::now();
        let found = sessions::lock_token(connection, &presented, now).await?;
        let (token, session_id, user) = found.ok_or(Error::RefreshTokenInvalid)?;
        match decide_refresh(&token, carrier, now) {
            RefreshDecision::Reject => Err(Error::RefreshTokenInvalid),
            RefreshDecision::Revoke => {
                sessions::revoke_session(connection, session_id, user.id).await?;
                // Not an error, which would roll the revocation back.
                Ok((session_id, None))
            }
            RefreshDecision::Rotate => {
                if user.is_disabled() {
                    return Err(Error::AccountDisabled);
                }
                let expires_at = now + app.session_duration_max;
                sessions::mark_token_used(connection, &presented, now).await?;
                let hash = next.hash();
                sessions::insert_token(connection, session_id, &hash, carrier, expires_at).await?;
                sessions::extend_session(connection, session_id, now, expires_at).await?;
                Ok((session_id, Some(user)))
            }
        }
    });
    let (session_id, user) = transaction.await?;
    let Some(user) = user else {
        metrics::counter!("refresh_tokens_reused_total").increment(1);
        tracing::warn!(%session_id, "a used refresh token was presented; its session is revoked");
        return Err(Error::RefreshTokenInvalid);
    };
    let access_token = app.issuer.user_token(&user, session_id)?;
    Ok(IssuedTokens { access_token, refresh_token: next, carrier, user })
}
