//! Operations on accounts: the owner's and the admins'. Each owns its transaction.

use chrono::{SubsecRound, Utc};
use mesh_data::{
    database::{Connection, Database},
    outbox,
    page::{self, Page},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    App, convert,
    db::{links, sessions, tries, users},
    error::Error,
    limit::{EMAIL_TAKEN, Subject},
    link::{Link, Purpose},
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
    let user = new_user(account.email, account.display_name, Role::Customer);
    let password_hash = app.passwords.hash(account.password).await?;
    let created = app.database.transaction(async |connection| {
        // A network that has no try left is refused whatever the address: else the
        // refusal would tell.
        tries::lock_and_check(connection, &EMAIL_TAKEN, network).await?;
        if !users::insert_user(connection, &user, &password_hash).await? {
            tries::insert_try(connection, &EMAIL_TAKEN, network).await?;
            return Ok::<_, Error>(false);
        }
        let link = Link::new(Purpose::VerifyEmail);
        links::replace_link(connection, user.id, &link).await?;
        outbox::insert_events(connection, &[convert::welcome_mail(&user, &link)]).await?;
        Ok(true)
    });
    if !created.await? {
        return Err(Error::EmailTaken);
    }
    app.bell.notify();
    Ok(user)
}

/// The account that an access token is about.
pub async fn get_current_user(app: &App, id: UserId) -> Result<User, Error> {
    let mut connection = app.database.connection().await?;
    users::find_user(&mut connection, id).await?.ok_or(Error::UserNotFound { user_id: id })
}

/// Gives the account of an access token a name.
pub async fn update_current_user(app: &App, id: UserId, display_name: &str) -> Result<User, Error> {
    let mut connection = app.database.connection().await?;
    let user = users::update_display_name(&mut connection, id, display_name).await?;
    user.ok_or(Error::UserNotFound { user_id: id })
}

/// Which accounts ListUsers is to find.
#[derive(Debug, Clone, Serialize)]
pub struct UserFilter {
    /// With this in the address or the name, whatever its case.
    pub query: Option<String>,
    /// With this role.
    pub role: Option<Role>,
}

/// A page of accounts, newest first, and after which one the next begins.
pub async fn list_users(
    app: &App,
    filter: &UserFilter,
    page: &Page<UserId>,
) -> Result<(Vec<User>, Option<UserId>), Error> {
    let mut connection = app.database.connection().await?;
    let rows = users::list_users(&mut connection, filter, page.cursor, page.size + 1).await?;
    let (users, more) = page::cut(rows, page.size);
    let next = users.last().filter(|_| more).map(|last| last.id);
    Ok((users, next))
}

/// Gives an account a role. Where it had another its sessions end: their tokens say what
/// it was. `actor_id` asks for it.
pub async fn set_user_role(
    app: &App,
    actor_id: UserId,
    id: UserId,
    role: Role,
) -> Result<User, Error> {
    if actor_id == id && role != Role::Admin {
        return Err(Error::OwnAccount);
    }
    app.database
        .transaction(async |connection| match users::update_role(connection, id, role).await? {
            Some(user) => {
                sessions::revoke_sessions(connection, id, None).await?;
                Ok(user)
            }
            None => unchanged(connection, id).await,
        })
        .await
}

/// Shuts an account out: its sessions end, and links mailed to it are void. `actor_id`
/// asks for it.
pub async fn disable_user(app: &App, actor_id: UserId, id: UserId) -> Result<User, Error> {
    if actor_id == id {
        return Err(Error::OwnAccount);
    }
    app.database
        .transaction(async |connection| {
            match users::update_disabled(connection, id, true).await? {
                Some(user) => {
                    sessions::revoke_sessions(connection, id, None).await?;
                    let all = [Purpose::ResetPassword, Purpose::VerifyEmail];
                    links::delete_links(connection, id, &all).await?;
                    Ok(user)
                }
                None => unchanged(connection, id).await,
            }
        })
        .await
}

/// Lets an account in again.
pub async fn enable_user(app: &App, id: UserId) -> Result<User, Error> {
    let mut connection = app.database.connection().await?;
    match users::update_disabled(&mut connection, id, false).await? {
        Some(user) => Ok(user),
        None => unchanged(&mut connection, id).await,
    }
}

/// An account that is as it is to be, if there is one.
async fn unchanged(connection: &mut Connection, id: UserId) -> Result<User, Error> {
    users::find_user(connection, id).await?.ok_or(Error::UserNotFound { user_id: id })
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
            let Some((id, _)) = users::find_credentials(connection, email).await? else {
                return Ok(None);
            };
            if users::update_role(connection, id, Role::Admin).await?.is_none() {
                return Ok(Some(AdminMade::Unchanged));
            }
            sessions::revoke_sessions(connection, id, None).await?;
            Ok(Some(AdminMade::Promoted))
        })
        .await
}

/// Creates an account that is an admin.
pub async fn create_admin(
    database: &Database,
    passwords: &Passwords,
    account: NewAccount,
) -> Result<AdminMade, Error> {
    let user = new_user(account.email, account.display_name, Role::Admin);
    let password_hash = passwords.hash(account.password).await?;
    let mut connection = database.connection().await?;
    match users::insert_user(&mut connection, &user, &password_hash).await? {
        true => Ok(AdminMade::Created),
        false => Err(Error::EmailTaken),
    }
}

fn new_user(email: Email, display_name: String, role: Role) -> User {
    User {
        id: UserId(Uuid::now_v7()),
        email,
        display_name,
        role,
        email_verified: false,
        disabled_at: None,
        // As the database keeps it, so that it reads the same from now on.
        created_at: Utc::now().trunc_subsecs(6),
    }
}
