//! Changes the password of an account whose owner knows the current one.

use mesh::client::Network;
use mesh_data::outbox;
use secrecy::SecretString;

use crate::{
    App,
    db::{devices, links, sessions, users},
    device::DeviceTokens,
    error::Error,
    events,
    limit::throttle,
    link::Purpose,
    password::verification::verify_password,
    session::SessionId,
    user::UserId,
};

/// A request to change a password.
#[derive(Debug)]
pub(crate) struct PasswordChange {
    pub current: SecretString,
    pub new: SecretString,
    pub device_tokens: DeviceTokens,
}

/// Sets a new password on behalf of `network`. Revokes the reset link and all sessions of the account, except `session_id`.
pub(crate) async fn change_password(
    app: &App,
    id: UserId,
    session_id: Option<SessionId>,
    change: PasswordChange,
    network: Network,
) -> Result<(), Error> {
    let passwords = app.passwords.admit(network)?;
    let PasswordChange { current, new, device_tokens } = change;
    let (user, old_hash, limits) = {
        let mut connection = app.database.connection().await?;
        let found = users::find_user_and_hash(&mut connection, id).await?;
        let (user, hash) = found.ok_or(Error::UserNotFound { user_id: id })?;
        let hashes = device_tokens.hashes();
        let device = devices::find_device(&mut connection, id, &hashes).await?;
        let limits =
            app.network_limits.of_guess(&app.subjects, &user.email, network, device.as_ref());
        throttle::check_all(&mut connection, &limits).await?;
        (user, hash, limits)
    };
    verify_password(app, &passwords, &limits, current, Some(old_hash.clone())).await?;
    if user.is_disabled() {
        return Err(Error::AccountDisabled);
    }
    let new_hash = passwords.hash(new).await?;
    let transaction = app.database.transaction(async |connection| {
        // Other logins may have failed while this call waited for a core.
        throttle::check_all(connection, &limits).await?;
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
