//! Whether somebody may change rights at this moment, whatever their token states.

use mesh_data::database::Connection;

use crate::{
    api_client::ApiClientId,
    db::{api_clients, users},
    error::Error,
    rights::Actor,
    user::{Role, User},
};

/// Rejects an actor that is not an enabled admin now: a token keeps its role until it expires. Until the
/// transaction ends the actor stays an admin, and no other change of rights happens.
///
/// **Invariant:** every transaction that demotes or disables an account or deletes an API client begins
/// with this.
pub(crate) async fn authorize(connection: &mut Connection, actor: Actor) -> Result<(), Error> {
    users::lock_rights(connection).await?;
    let is_admin = match actor {
        Actor::User(id) => {
            let user = users::lock_user(connection, id).await?;
            user.as_ref().is_some_and(User::is_enabled_admin)
        }
        Actor::Client(id) => {
            let role = api_clients::lock_role(connection, ApiClientId(id)).await?;
            role == Some(Role::Admin)
        }
    };
    if is_admin {
        Ok(())
    } else {
        Err(mesh::Error::RoleRequired { role: Role::Admin.as_str().to_owned() }.into())
    }
}
