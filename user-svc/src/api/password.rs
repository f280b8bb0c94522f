//! Methods of passwords.

use mesh::{client, identity::claims};
use proto::user::v1::{ChangePasswordRequest, ChangePasswordResponse};
use tonic::{Request, Response};

use super::{Api, Reply};
use crate::{convert::password as convert, password::change, session::SessionId, user::UserId};

pub(super) async fn change_password(
    api: &Api,
    request: Request<ChangePasswordRequest>,
) -> Reply<ChangePasswordResponse> {
    let claims = claims(&request)?;
    let (id, session_id) = (UserId(claims.sub), claims.sid.map(SessionId));
    let network = client::network(&request)?;
    let change = convert::change_password(request)?;
    change::change_password(&api.app, id, session_id, change, network).await?;
    Ok(Response::new(ChangePasswordResponse {}))
}
