//! The owner's view of an account.

use crate::{
    App,
    db::users,
    error::Error,
    user::{User, UserId},
};

pub(crate) async fn get_current_user(app: &App, id: UserId) -> Result<User, Error> {
    let mut connection = app.database.connection().await?;
    users::find_user(&mut connection, id).await?.ok_or(Error::UserNotFound { user_id: id })
}

pub(crate) async fn update_current_user(
    app: &App,
    id: UserId,
    display_name: &str,
) -> Result<User, Error> {
    let mut connection = app.database.connection().await?;
    let user = users::update_display_name(&mut connection, id, display_name).await?;
    user.ok_or(Error::UserNotFound { user_id: id })
}
