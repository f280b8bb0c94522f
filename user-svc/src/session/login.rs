//! Login: exchanges the credentials of an account for the tokens of a new session.

use chrono::Utc;
use uuid::Uuid;

use crate::{
    App,
    db::{sessions, users},
    error::Error,
    limit::{LOGIN_FAILURES, Subject, throttle},
    password::verification::verify_password,
    secret::Secret,
    session::{IssuedTokens, Login, Session, SessionId},
};

/// Starts a session.
///
/// An address without an account and a wrong password get the same response after the same work, and
/// have the same limit. So nobody finds out which addresses have an account (user enumeration).
pub(crate) async fn login(app: &App, login: Login) -> Result<IssuedTokens, Error> {
    let Login { email, password, carrier, user_agent } = login;
    let subject = Subject::account(&email);
    let credentials = {
        let mut connection = app.database.connection().await?;
        throttle::check(&mut connection, &LOGIN_FAILURES, &subject).await?;
        users::find_credentials(&mut connection, &email).await?
    };
    let stored = credentials.as_ref().map(|(_, hash)| hash.clone());
    let new_hash = verify_password(app, &subject, password, stored).await?;
    // Without an account no password matches.
    let (user_id, hash) = credentials.ok_or(Error::BadCredentials)?;

    let now = Utc::now();
    let session = Session {
        id: SessionId(Uuid::now_v7()),
        created_at: now,
        refreshed_at: now,
        expires_at: now + app.session_duration_max,
        user_agent,
    };
    let refresh_token = Secret::random();
    let transaction = app.database.transaction(async |connection| {
        // Other logins may have failed while this one waited for a core.
        throttle::check(connection, &LOGIN_FAILURES, &subject).await?;
        if let Some(new_hash) = &new_hash {
            users::update_password_hash(connection, user_id, &hash, new_hash).await?;
        }
        let hash = new_hash.as_ref().unwrap_or(&hash);
        let user = users::lock_user_for_share(connection, user_id, hash).await?;
        let user = user.ok_or(Error::BadCredentials)?;
        if user.is_disabled() {
            return Err(Error::AccountDisabled);
        }
        sessions::insert_session(connection, user_id, &session).await?;
        let hash = refresh_token.hash();
        sessions::insert_token(connection, session.id, &hash, carrier, session.expires_at).await?;
        Ok(user)
    });
    let user = transaction.await?;
    let access_token = app.issuer.user_token(&user, session.id)?;
    Ok(IssuedTokens { access_token, refresh_token, carrier, user })
}
