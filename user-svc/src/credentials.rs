//! Operations on what shows who somebody is: passwords, and links mailed to the address.
//! Each owns its transaction.

use std::time::Duration;

use chrono::Utc;
use mesh_data::{database::Connection, outbox};
use secrecy::SecretString;
use tokio::time::{Instant, sleep_until};

use crate::{
    App, convert,
    db::{links, sessions, tries, users},
    error::Error,
    limit::{LINK_REQUESTS, LOGIN_FAILURES, Subject},
    link::{Link, Purpose},
    password::Check,
    session::{Secret, SecretHash, SessionId},
    sessions::enabled,
    user::{Email, User, UserId},
};

/// When a request for a link is answered: well after the work for an account is done, so
/// that it takes as long where there is none.
const LINK_ANSWER_AFTER: Duration = Duration::from_millis(250);

/// Checks a password against the hash of an account, or, as long, against none; a wrong
/// one counts as a failed log-in. What it is to be kept as, where the parameters have moved.
pub async fn check_password(
    app: &App,
    subject: &Subject,
    password: SecretString,
    kept: Option<String>,
) -> Result<Option<String>, Error> {
    match app.passwords.check(password, kept).await? {
        Check::Right => Ok(None),
        Check::RightRehashed(hash) => Ok(Some(hash)),
        Check::Wrong => {
            tries::count(&app.database, &LOGIN_FAILURES, subject).await?;
            Err(Error::BadCredentials)
        }
    }
}

/// Gives an account a new password. Its sessions end, but for the one that asks.
pub async fn change_password(
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
        tries::check(&mut connection, &LOGIN_FAILURES, &subject).await?;
        (user, hash, subject)
    };
    check_password(app, &subject, current, Some(old_hash.clone())).await?;
    enabled(user)?;
    let new_hash = app.passwords.hash(new).await?;
    let changed = app.database.transaction(async |connection| {
        // Others may have failed while this one waited for its turn.
        tries::check(connection, &LOGIN_FAILURES, &subject).await?;
        let user = users::lock_user(connection, id).await?;
        let user = enabled(user.ok_or(Error::UserNotFound { user_id: id })?)?;
        if !users::update_password_hash(connection, id, &old_hash, &new_hash).await? {
            return Err(Error::BadCredentials);
        }
        sessions::revoke_sessions(connection, id, session_id).await?;
        links::delete_links(connection, id, &[Purpose::ResetPassword]).await?;
        outbox::insert_events(connection, &[convert::password_changed_mail(&user)]).await?;
        Ok::<_, Error>(())
    });
    changed.await?;
    app.bell.notify();
    Ok(())
}

/// Mails a link to the account with this address, if there is one that is to get it.
/// `network` is where the call came from. What there is to the address is told neither by
/// the answer nor by its time.
pub async fn request_link(
    app: &App,
    purpose: Purpose,
    email: &Email,
    network: &Subject,
) -> Result<(), Error> {
    let answer_at = Instant::now() + LINK_ANSWER_AFTER;
    let mailed = app.database.transaction(async |connection| {
        tries::lock_and_check(connection, &LINK_REQUESTS, network).await?;
        tries::insert_try(connection, &LINK_REQUESTS, network).await?;
        let user = users::hold_user_with_email(connection, email).await?;
        match user.filter(|user| purpose.suits(user)) {
            Some(user) => mail_link(connection, purpose, &user).await,
            None => Ok(()),
        }
    });
    mailed.await?;
    app.bell.notify();
    sleep_until(answer_at).await;
    Ok(())
}

/// Mails a link, unless the account was mailed enough of them.
async fn mail_link(
    connection: &mut Connection,
    purpose: Purpose,
    user: &User,
) -> Result<(), Error> {
    let subject = Subject::account(&user.email);
    match tries::lock_and_check(connection, purpose.limit(), &subject).await {
        Err(Error::Mesh(mesh::Error::RateLimited { .. })) => return Ok(()),
        allowed => allowed?,
    }
    tries::insert_try(connection, purpose.limit(), &subject).await?;
    let link = Link::new(purpose);
    links::replace_link(connection, user.id, &link).await?;
    Ok(outbox::insert_events(connection, &[convert::link_mail(user, &link)]).await?)
}

/// Gives the account that a link was mailed to a new password. All its sessions end, and
/// its failed log-ins are forgiven.
pub async fn reset_password(app: &App, token: &Secret, new: SecretString) -> Result<(), Error> {
    let hash = token.hash();
    {
        // Before the costly part; what counts is asked again below.
        let mut connection = app.database.connection().await?;
        let found = links::find_link(&mut connection, Purpose::ResetPassword, &hash, Utc::now());
        found.await?.ok_or(Error::LinkInvalid)?;
    }
    let new_hash = app.passwords.hash(new).await?;
    let reset = app.database.transaction(async |connection| {
        let user = follow(connection, Purpose::ResetPassword, &hash).await?;
        users::reset_password_hash(connection, user.id, &new_hash).await?;
        sessions::revoke_sessions(connection, user.id, None).await?;
        tries::delete_tries(connection, &LOGIN_FAILURES, &Subject::account(&user.email)).await?;
        outbox::insert_events(connection, &[convert::password_changed_mail(&user)]).await?;
        Ok::<_, Error>(())
    });
    reset.await?;
    app.bell.notify();
    Ok(())
}

/// Marks the address that a link was mailed to as verified.
pub async fn verify_email(app: &App, token: &Secret) -> Result<(), Error> {
    let hash = token.hash();
    app.database
        .transaction(async |connection| {
            let user = follow(connection, Purpose::VerifyEmail, &hash).await?;
            Ok(users::update_email_verified(connection, user.id).await?)
        })
        .await
}

/// Uses a link up. The account that it was mailed to, which nobody else changes until the
/// transaction ends: of two who come with one link the second finds it used.
async fn follow(
    connection: &mut Connection,
    purpose: Purpose,
    hash: &SecretHash,
) -> Result<User, Error> {
    let id = links::find_link(connection, purpose, hash, Utc::now()).await?;
    let user = users::lock_user(connection, id.ok_or(Error::LinkInvalid)?).await?;
    let user = user.filter(|user| user.disabled_at.is_none()).ok_or(Error::LinkInvalid)?;
    match links::delete_link(connection, hash).await? {
        true => Ok(user),
        false => Err(Error::LinkInvalid),
    }
}
