//! Changes the password of an account whose owner knows the current one.

use mesh_data::outbox;
use secrecy::SecretString;

use crate::{
    App,
    db::{links, sessions, users},
    error::Error,
    events,
    limit::{LOGIN_FAILURES, Subject, throttle},
    link::Purpose,
    password::verification::verify_password,
    session::SessionId,
    user::UserId,
};

/// Sets a new password. Revokes the reset link and all sessions of the account, except `session_id`.
pub(crate) async fn change_password(
    app: &App,
    id: UserId,
    session_id: Option<SessionId>,
    current: SecretString,
    new: SecretString,
) -> Result<(), Error> {
    let (user, old_hash, subject) = {
        let mut connection = app.database.connection().await?;
        let found = users::find_user_and_hash(&mut connection, id).await?;
        let (user, hash) = found.ok_or(Error::UserNotFound { user_id: id })?;
        let subject = Subject::account(&user.email);
        throttle::check(&mut connection, &LOGIN_FAILURES, &subject).await?;
        (user, hash, subject)
    };
    verify_password(app, &subject, current, Some(old_hash.clone())).await?;
    if user.is_disabled() {
        return Err(Error::AccountDisabled);
    }
    let new_hash = app.passwords.hash(new).await?;
    let transaction = app.database.transaction(async |connection| {
        // Other logins may have failed while this call waited for a core.
        throttle::check(connection, &LOGIN_FAILURES, &subject).await?;
        let user = users::lock_user(connection, id).await?;
        let user = user.ok_or(Error::UserNotFound { user_id: id })?;
        if user.is_disabled() {
            return Err(Error::AccountDisabled);
        }
        if !users::update_password_hash(connection, id, &old_hash, &new_hash).await? {
            return Err(Error::BadCredentials);
        }
        sessions::revoke_sessions(connection, id, session_id).await?;
        links::delete_links(connection, id, &[Purpose::ResetPassword]).await?;
        outbox::insert_events(connection, &[events::password_changed_mail(&user)]).await?;
        Ok(())
    });
    transaction.await?;
    app.wakeup.notify();
    Ok(())
}
