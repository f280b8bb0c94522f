//! Creates the first admins. Only a command does so.

use mesh_data::database::Database;

use crate::{
    db::{sessions, users},
    error::Error,
    password::hashing,
    user::{Email, NewAccount, Role, User},
};

/// How an account became an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdminResult {
    /// The account is new.
    Created,
    /// The account existed and became an admin.
    Promoted,
    /// The account existed and was an admin.
    Unchanged,
}

/// Makes the account with this address an admin, if there is one. Revokes its sessions, because their
/// tokens state the old role.
pub(crate) async fn promote_to_admin(
    database: &Database,
    email: &Email,
) -> Result<Option<AdminResult>, Error> {
    database
        .transaction(async |connection| {
            let Some((id, _)) = users::find_credentials(connection, email).await? else {
                return Ok(None);
            };
            if users::update_role(connection, id, Role::Admin).await?.is_none() {
                return Ok(Some(AdminResult::Unchanged));
            }
            sessions::revoke_sessions(connection, id, None).await?;
            Ok(Some(AdminResult::Promoted))
        })
        .await
}

/// Creates an account that is an admin.
pub(crate) async fn create_admin(
    database: &Database,
    account: NewAccount,
) -> Result<AdminResult, Error> {
    let user = User::new(account.email, account.display_name, Role::Admin);
    let password_hash = hashing::hash(&account.password)?;
    let mut connection = database.connection().await?;
    if users::insert_user(&mut connection, &user, &password_hash).await? {
        Ok(AdminResult::Created)
    } else {
        Err(Error::EmailTaken)
    }
}
