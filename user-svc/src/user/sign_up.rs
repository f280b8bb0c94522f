//! Sign-up: creates an account, and requests its welcome mail in the same transaction.

use mesh::client::Network;
use mesh_data::outbox;

use crate::{
    App,
    db::{attempts, links, users},
    error::Error,
    events,
    limit::throttle,
    link::{Link, Purpose},
    user::{NewAccount, Role, User},
};

/// Creates an account and requests its welcome mail. Limits the calls of `network`: each mails to a
/// stranger, or finds out that an address is taken (user enumeration).
pub(crate) async fn sign_up(
    app: &App,
    account: NewAccount,
    network: Network,
) -> Result<User, Error> {
    let passwords = app.passwords.admit(network)?;
    let (limit, subject) = (&app.network_limits.sign_ups, app.subjects.network(network));
    {
        // Saves the hash of a call that would be rejected. The check below decides.
        let mut connection = app.database.connection().await?;
        throttle::check(&mut connection, limit, &subject).await?;
    }
    let user = User::new(account.email, account.display_name, Role::Customer);
    let password_hash = passwords.hash(account.password).await?;
    let created = app.database.transaction(async |connection| {
        // A network without attempts is rejected whether or not the address is taken: a rejection of
        // taken addresses alone would reveal them.
        throttle::lock_and_check(connection, limit, &subject).await?;
        attempts::insert_attempt(connection, limit, &subject).await?;
        if !users::insert_user(connection, &user, &password_hash).await? {
            return Ok::<_, Error>(false);
        }
        let link = Link::new(Purpose::VerifyEmail);
        links::replace_link(connection, user.id, &link).await?;
        outbox::insert_events(connection, &[events::welcome_mail(&user, &link)]).await?;
        Ok(true)
    });
    if !created.await? {
        return Err(Error::EmailTaken);
    }
    app.wakeup.notify();
    Ok(user)
}
