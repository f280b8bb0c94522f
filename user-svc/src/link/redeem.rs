//! Redeems mailed links: sets a new password, or verifies an address. Each link is valid for one use.

use chrono::Utc;
use mesh::client::Network;
use mesh_data::{database::Connection, outbox};
use secrecy::SecretString;

use crate::{
    App,
    db::{attempts, devices, links, sessions, users},
    error::Error,
    events,
    limit::LOGIN_FAILURES,
    link::Purpose,
    secret::{Secret, SecretHash},
    user::User,
};

/// Sets a new password for the account that a link was mailed to. Revokes all its sessions, and resets
/// its failed logins: also those of its devices, which it forgets.
pub(crate) async fn reset_password(
    app: &App,
    token: &Secret,
    new_password: SecretString,
    network: Network,
) -> Result<(), Error> {
    let passwords = app.passwords.admit(network)?;
    let hash = token.hash();
    {
        // Saves the hash of a call that would be rejected. The check below decides.
        let mut connection = app.database.connection().await?;
        let found = links::find_link(&mut connection, Purpose::ResetPassword, &hash, Utc::now());
        found.await?.ok_or(Error::LinkInvalid)?;
    }
    let new_hash = passwords.hash(new_password).await?;
    let transaction = app.database.transaction(async |connection| {
        let user = redeem(connection, Purpose::ResetPassword, &hash).await?;
        users::reset_password_hash(connection, user.id, &new_hash).await?;
        sessions::revoke_sessions(connection, user.id, None).await?;
        devices::delete_devices(connection, user.id).await?;
        let subject = app.subjects.account(&user.email);
        attempts::delete_attempts(connection, &LOGIN_FAILURES, &subject).await?;
        // The link has verified the address.
        let user = User { email_verified: true, ..user };
        outbox::insert_events(connection, &[events::password_changed_mail(&user)]).await?;
        Ok::<_, Error>(())
    });
    transaction.await?;
    app.wakeup.notify();
    Ok(())
}

/// Marks the address that a link was mailed to as verified.
pub(crate) async fn verify_email(app: &App, token: &Secret) -> Result<(), Error> {
    let hash = token.hash();
    app.database
        .transaction(async |connection| {
            let user = redeem(connection, Purpose::VerifyEmail, &hash).await?;
            Ok(users::update_email_verified(connection, user.id).await?)
        })
        .await
}

/// Deletes a valid link, and locks and returns its account. Of two concurrent calls with one link, the
/// second finds it deleted.
async fn redeem(
    connection: &mut Connection,
    purpose: Purpose,
    hash: &SecretHash,
) -> Result<User, Error> {
    let id = links::find_link(connection, purpose, hash, Utc::now()).await?;
    let user = users::lock_user(connection, id.ok_or(Error::LinkInvalid)?).await?;
    let user = user.filter(|user| !user.is_disabled()).ok_or(Error::LinkInvalid)?;
    if links::delete_link(connection, hash).await? { Ok(user) } else { Err(Error::LinkInvalid) }
}
