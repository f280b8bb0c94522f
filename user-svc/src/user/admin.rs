//! What admins do with accounts: list them, set roles, disable and enable them.

use mesh_data::{
    database::Connection,
    page::{Listed, Page},
};

use crate::{
    App,
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
            if role == Role::Admin {
                authorize(connection, actor).await?;
            } else {
                authorize_removal(connection, actor, id).await?;
            }
            let Some(user) = users::update_role(connection, id, role).await? else {
                return find_unchanged(connection, id).await;
            };
            sessions::revoke_sessions(connection, id, None).await?;
            if role != Role::Admin {
                api_clients::delete_clients_created_by(connection, id.0).await?;
            }
            Ok(user)
        })
        .await
}

/// Disables an account, and revokes its sessions, its mailed links and the API clients that it created.
pub(crate) async fn disable_user(app: &App, actor: Actor, id: UserId) -> Result<User, Error> {
    app.database
        .transaction(async |connection| {
            authorize_removal(connection, actor, id).await?;
            let Some(user) = users::update_disabled(connection, id, true).await? else {
                return find_unchanged(connection, id).await;
            };
            sessions::revoke_sessions(connection, id, None).await?;
            links::delete_links(connection, id, &Purpose::ALL).await?;
            api_clients::delete_clients_created_by(connection, id.0).await?;
            Ok(user)
        })
        .await
}

pub(crate) async fn enable_user(app: &App, actor: Actor, id: UserId) -> Result<User, Error> {
    app.database
        .transaction(async |connection| {
            authorize(connection, actor).await?;
            match users::update_disabled(connection, id, false).await? {
                Some(user) => Ok(user),
                None => find_unchanged(connection, id).await,
            }
        })
        .await
}

/// Rejects a change by which the account, if it is an enabled admin, is one no longer, and which the
/// actor may not make.
async fn authorize_removal(
    connection: &mut Connection,
    actor: Actor,
    id: UserId,
) -> Result<(), Error> {
    authorize(connection, actor).await?;
    if actor == Actor::User(id) {
        return Err(Error::OwnAccount);
    }
    let user = users::lock_user(connection, id).await?;
    let is_admin = user.as_ref().is_some_and(User::is_enabled_admin);
    if is_admin && !users::has_other_admin(connection, id).await? {
        return Err(Error::LastAdmin);
    }
    Ok(())
}

/// Returns an account that an update did not match: it is already in the requested state, or it does
/// not exist.
async fn find_unchanged(connection: &mut Connection, id: UserId) -> Result<User, Error> {
    users::find_user(connection, id).await?.ok_or(Error::UserNotFound { user_id: id })
}
