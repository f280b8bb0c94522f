//! Operations on sessions: log in, refresh, show, end. Each owns its transaction.

use chrono::Utc;
use mesh_data::page::{self, Page};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    App,
    credentials::check_password,
    db::{sessions as db, tries, users},
    error::Error,
    limit::{LOGIN_FAILURES, Subject},
    session::{Carrier, Secret, Session, SessionId, Verdict, judge},
    user::{Email, User, UserId},
};

/// What a log-in or a refresh gives.
#[derive(Debug)]
pub struct Granted {
    /// Access token.
    pub access_token: String,
    /// Refresh token.
    pub refresh_token: Secret,
    /// The account.
    pub user: User,
}

/// Starts a session of the account with this address and password.
///
/// An address without account, a wrong password and their limit are told in the same
/// words after the same work.
pub async fn login(
    app: &App,
    email: &Email,
    password: SecretString,
    carrier: Carrier,
    user_agent: String,
) -> Result<Granted, Error> {
    let subject = Subject::account(email);
    let credentials = {
        let mut connection = app.database.connection().await?;
        tries::check(&mut connection, &LOGIN_FAILURES, &subject).await?;
        users::find_credentials(&mut connection, email).await?
    };
    let kept = credentials.as_ref().map(|(_, hash)| hash.clone());
    let new_hash = check_password(app, &subject, password, kept).await?;
    // Only a password that was compared with an account's is ever right.
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
        // Others may have failed while this one waited for its turn.
        tries::check(connection, &LOGIN_FAILURES, &subject).await?;
        if let Some(new_hash) = &new_hash {
            users::update_password_hash(connection, user_id, &hash, new_hash).await?;
        }
        let hash = new_hash.as_ref().unwrap_or(&hash);
        let user = users::hold_user(connection, user_id, hash).await?;
        let user = enabled(user.ok_or(Error::BadCredentials)?)?;
        db::insert_session(connection, user_id, &session).await?;
        let hash = refresh_token.hash();
        db::insert_token(connection, session.id, &hash, carrier, session.expires_at).await?;
        Ok::<_, Error>(user)
    });
    let user = transaction.await?;
    grant(app, user, session.id, refresh_token)
}

/// Exchanges a refresh token, which came by `carrier`, for fresh tokens.
pub async fn refresh_session(
    app: &App,
    refresh_token: &Secret,
    carrier: Carrier,
) -> Result<Granted, Error> {
    let (used, child) = (refresh_token.hash(), Secret::random());
    let transaction = app.database.transaction(async |connection| {
        let now = Utc::now();
        let Some((token, session_id, user)) = db::lock_token(connection, &used, now).await? else {
            return Err(Error::RefreshTokenInvalid);
        };
        match judge(&token, carrier, now) {
            Verdict::Refuse => Err(Error::RefreshTokenInvalid),
            Verdict::Revoke => {
                db::revoke_session(connection, session_id, user.id).await?;
                Ok((session_id, None))
            }
            Verdict::Rotate => {
                let user = enabled(user)?;
                let expires_at = now + app.session_duration_max;
                db::mark_used(connection, &used, now).await?;
                let hash = child.hash();
                db::insert_token(connection, session_id, &hash, carrier, expires_at).await?;
                db::extend_session(connection, session_id, now, expires_at).await?;
                Ok((session_id, Some(user)))
            }
        }
    });
    match transaction.await? {
        (session_id, Some(user)) => grant(app, user, session_id, child),
        (session_id, None) => {
            metrics::counter!("refresh_tokens_reused_total").increment(1);
            tracing::warn!(%session_id, "a used refresh token came back; its session is revoked");
            Err(Error::RefreshTokenInvalid)
        }
    }
}

/// Ends the session of an access token.
pub async fn logout(app: &App, user_id: UserId, session_id: SessionId) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    Ok(db::revoke_session(&mut connection, session_id, user_id).await?)
}

/// Ends all sessions of an account.
pub async fn logout_everywhere(app: &App, user_id: UserId) -> Result<(), Error> {
    app.database
        .transaction(async |connection| {
            db::revoke_sessions(connection, user_id, None).await?;
            Ok(())
        })
        .await
}

/// A page of an account's sessions, newest first, and after which one the next begins.
pub async fn list_sessions(
    app: &App,
    user_id: UserId,
    page: &Page<SessionId>,
) -> Result<(Vec<Session>, Option<SessionId>), Error> {
    let mut connection = app.database.connection().await?;
    let (now, limit) = (Utc::now(), page.size + 1);
    let rows = db::list_sessions(&mut connection, user_id, now, page.cursor, limit).await?;
    let (sessions, more) = page::cut(rows, page.size);
    let next = sessions.last().filter(|_| more).map(|last| last.id);
    Ok((sessions, next))
}

/// Ends a session of an account, which may have ended.
pub async fn revoke_session(app: &App, user_id: UserId, id: SessionId) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    match db::has_session(&mut connection, id, user_id).await? {
        true => Ok(db::revoke_session(&mut connection, id, user_id).await?),
        false => Err(Error::SessionNotFound { session_id: id }),
    }
}

/// The account, unless an admin shut it out.
pub fn enabled(user: User) -> Result<User, Error> {
    match user.disabled_at {
        Some(_) => Err(Error::AccountDisabled),
        None => Ok(user),
    }
}

fn grant(
    app: &App,
    user: User,
    session_id: SessionId,
    refresh_token: Secret,
) -> Result<Granted, Error> {
    let access_token = app.issuer.user_token(&user, session_id)?;
    Ok(Granted { access_token, refresh_token, user })
}
