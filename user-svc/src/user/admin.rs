//! What admins do with accounts: list them, set roles, disable and enable them.

use mesh_data::{
    audit::{self, Change},
    database::Connection,
    page::{Listed, Page},
};
use serde_json::Value;

use crate::{
    App,
    api_client::admin::revocation,
    db::{api_clients, links, sessions, users},
    error::Error,
    link::Purpose,
    rights::{Actor, authorize::authorize},
    user::{Role, User, UserFilter, UserId},
};

/// Returns a page of accounts, newest first.
pub(crate) async fn list_users(
    app: &App,
    filter: &UserFilter,
    page: &Page<UserId>,
) -> Result<Listed<User>, Error> {
    let mut connection = app.database.connection().await?;
    let rows = users::list_users(&mut connection, filter, page.cursor, page.limit()).await?;
    Ok(page.finish(rows, |user| user.id))
}

/// Sets the role of an account. If the role changes, the sessions of the account are revoked, since
/// their tokens state the old role; with the role of an admin go the API clients that it created.
pub(crate) async fn set_user_role(
    app: &App,
    actor: Actor,
    id: UserId,
    role: Role,
) -> Result<User, Error> {
    app.database
        .transaction(async |connection| {
            let before = if role == Role::Admin {
                authorize(connection, actor).await?;
                users::lock_user(connection, id).await?
            } else {
                authorize_removal(connection, actor, id).await?
            };
            let Some(user) = users::update_role(connection, id, role).await? else {
                return unchanged(before, id);
            };
            sessions::revoke_sessions(connection, id, None).await?;
            if role != Role::Admin {
                revoke_clients(connection, id).await?;
            }
            record(connection, before, user).await
        })
        .await
}

/// Disables an account, and revokes its sessions, its mailed links and the API clients that it created.
pub(crate) async fn disable_user(app: &App, actor: Actor, id: UserId) -> Result<User, Error> {
    app.database
        .transaction(async |connection| {
            let before = authorize_removal(connection, actor, id).await?;
            let Some(user) = users::update_disabled(connection, id, true).await? else {
                return unchanged(before, id);
            };
            sessions::revoke_sessions(connection, id, None).await?;
            links::delete_links(connection, id, &Purpose::ALL).await?;
            revoke_clients(connection, id).await?;
            record(connection, before, user).await
        })
        .await
}

pub(crate) async fn enable_user(app: &App, actor: Actor, id: UserId) -> Result<User, Error> {
    app.database
        .transaction(async |connection| {
            authorize(connection, actor).await?;
            let before = users::lock_user(connection, id).await?;
            match users::update_disabled(connection, id, false).await? {
                Some(user) => record(connection, before, user).await,
                None => unchanged(before, id),
            }
        })
        .await
}

/// Locks the account. Rejects a change by which it, if it is an enabled admin, is one no longer, and
/// which the actor may not make.
async fn authorize_removal(
    connection: &mut Connection,
    actor: Actor,
    id: UserId,
) -> Result<Option<User>, Error> {
    authorize(connection, actor).await?;
    if actor == Actor::User(id) {
        return Err(Error::OwnAccount);
    }
    let user = users::lock_user(connection, id).await?;
    let is_admin = user.as_ref().is_some_and(User::is_enabled_admin);
    if is_admin && !users::has_other_admin(connection, id).await? {
        return Err(Error::LastAdmin);
    }
    Ok(user)
}

/// Returns an account that an update did not match: it is already in the requested state, or it does
/// not exist.
fn unchanged(user: Option<User>, id: UserId) -> Result<User, Error> {
    audit::unchanged();
    user.ok_or(Error::UserNotFound { user_id: id })
}

/// Revokes the API clients that an account created, and those that they created.
async fn revoke_clients(connection: &mut Connection, id: UserId) -> Result<(), Error> {
    let revoked = api_clients::delete_clients_created_by(connection, id.0).await?;
    let changes: Vec<_> = revoked.iter().map(revocation).collect();
    Ok(audit::record(connection, &changes).await?)
}

/// Records the difference of an account.
async fn record(
    connection: &mut Connection,
    before: Option<User>,
    user: User,
) -> Result<User, Error> {
    let before = before.map_or(Value::Null, |user| user.audited_fields());
    let change = Change::new("user", user.id.0, &before, &user.audited_fields());
    audit::record(connection, &[change]).await?;
    Ok(user)
}
