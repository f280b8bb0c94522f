//! Operations on accounts. Each owns its transaction.

use chrono::{SubsecRound, Utc};
use mesh::{database::Database, outbox};
use uuid::Uuid;

use crate::{
    App, convert,
    db::{sessions, tries, users},
    error::Error,
    limit::{EMAIL_TAKEN, Subject},
    password::Passwords,
    user::{Email, NewAccount, Role, User, UserId},
};

/// Creates an account and asks for its welcome mail. `network` is where the call came
/// from: it learns of no more than so many addresses that they are taken.
pub async fn sign_up(app: &App, account: NewAccount, network: &Subject) -> Result<User, Error> {
    {
        // Before the costly part; what counts is asked again below.
        let mut connection = app.database.connection().await?;
        tries::check(&mut connection, &EMAIL_TAKEN, network).await?;
    }
    let user = new_user(&account.email, account.display_name, Role::Customer);
    let password_hash = app.passwords.hash(account.password).await?;
    let created = app.database.transaction(async |connection| {
        // A network that has no try left is refused whatever the address: else the
        // refusal would tell.
        tries::lock_and_check(connection, &EMAIL_TAKEN, network).await?;
        if !users::insert_user(connection, &user, &account.email, &password_hash).await? {
            tries::insert_try(connection, &EMAIL_TAKEN, network).await?;
            return Ok::<_, Error>(false);
        }
        outbox::insert_events(connection, &[convert::welcome_mail(&user)]).await?;
        Ok(true)
    });
    if !created.await? {
        return Err(Error::EmailTaken);
    }
    app.bell.ring();
    Ok(user)
}

/// The account that an access token is about.
pub async fn get_current_user(app: &App, id: UserId) -> Result<User, Error> {
    let mut connection = app.database.connection().await?;
    let user = users::find_user(&mut connection, id).await?;
    user.ok_or_else(|| Error::UserNotFound { user_id: id.to_string() })
}

/// What was done so that there is an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminMade {
    /// The account is new.
    Created,
    /// The account was there and has become admin.
    Promoted,
    /// The account was there and admin.
    Unchanged,
}

/// Makes the account with this address an admin, if there is one. Its sessions end: their
/// tokens say what it was.
pub async fn promote_to_admin(
    database: &Database,
    email: &Email,
) -> Result<Option<AdminMade>, Error> {
    database
        .transaction(async |connection| {
            if let Some(id) = users::update_role(connection, email, Role::Admin).await? {
                sessions::revoke_all_sessions(connection, id).await?;
                return Ok(Some(AdminMade::Promoted));
            }
            let found = users::find_credentials(connection, email).await?;
            Ok(found.map(|_| AdminMade::Unchanged))
        })
        .await
}

/// Creates an account that is an admin.
pub async fn create_admin(
    database: &Database,
    passwords: &Passwords,
    account: NewAccount,
) -> Result<AdminMade, Error> {
    let user = new_user(&account.email, account.display_name, Role::Admin);
    let password_hash = passwords.hash(account.password).await?;
    let mut connection = database.connection().await?;
    match users::insert_user(&mut connection, &user, &account.email, &password_hash).await? {
        true => Ok(AdminMade::Created),
        false => Err(Error::EmailTaken),
    }
}

fn new_user(email: &Email, display_name: String, role: Role) -> User {
    User {
        id: UserId(Uuid::now_v7()),
        email: email.as_str().to_owned(),
        display_name,
        role,
        email_verified: false,
        disabled_at: None,
        // As the database keeps it, so that it reads the same from now on.
        created_at: Utc::now().trunc_subsecs(6),
    }
}
