//! The list of an account's active sessions.

use chrono::Utc;
use mesh_data::page::{Listed, Page};

use crate::{
    App,
    db::sessions,
    error::Error,
    session::{Session, SessionId},
    user::UserId,
};

/// Returns a page of an account's active sessions, newest first.
pub(crate) async fn list_sessions(
    app: &App,
    user_id: UserId,
    page: &Page<SessionId>,
) -> Result<Listed<Session>, Error> {
    let mut connection = app.database.connection().await?;
    let (now, limit) = (Utc::now(), page.limit());
    let rows = sessions::list_active_sessions(&mut connection, user_id, now, page.cursor, limit);
    Ok(page.finish(rows.await?, |session| session.id))
}
