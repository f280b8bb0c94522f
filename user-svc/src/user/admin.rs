//! What admins do with accounts: list them, set roles, disable and enable them.

use mesh_data::{
    database::Connection,
    page::{Listed, Page},
};

use crate::{
    App,
    db::{links, sessions, users},
    error::Error,
    link::Purpose,
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

/// Sets the role of an account on behalf of `actor_id`. If the role changes, the sessions of the
/// account are revoked: their tokens state the old role.
pub(crate) async fn set_user_role(
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
            None => find_unchanged(connection, id).await,
        })
        .await
}

/// Disables an account on behalf of `actor_id`, and revokes its sessions and mailed links.
pub(crate) async fn disable_user(app: &App, actor_id: UserId, id: UserId) -> Result<User, Error> {
    if actor_id == id {
        return Err(Error::OwnAccount);
    }
    app.database
        .transaction(async |connection| {
            match users::update_disabled(connection, id, true).await? {
                Some(user) => {
                    sessions::revoke_sessions(connection, id, None).await?;
                    links::delete_links(connection, id, &Purpose::ALL).await?;
                    Ok(user)
                }
                None => find_unchanged(connection, id).await,
            }
        })
        .await
}

pub(crate) async fn enable_user(app: &App, id: UserId) -> Result<User, Error> {
    let mut connection = app.database.connection().await?;
    match users::update_disabled(&mut connection, id, false).await? {
        Some(user) => Ok(user),
        None => find_unchanged(&mut connection, id).await,
    }
}

/// Returns an account that an update did not match: it is already in the requested state, or it does
/// not exist.
async fn find_unchanged(connection: &mut Connection, id: UserId) -> Result<User, Error> {
    users::find_user(connection, id).await?.ok_or(Error::UserNotFound { user_id: id })
}
