//! Issues links: creates the token when notify-svc composes the mail.

use chrono::Utc;

use crate::{
    App,
    db::{links, users},
    error::Error,
    link::{IssuedLink, LinkId},
    secret::Secret,
};

/// Creates a token of a link, which replaces an earlier one.
///
/// The address comes from the account: whoever forges the event of a mail does not get its token.
pub(crate) async fn issue_link(app: &App, id: LinkId) -> Result<IssuedLink, Error> {
    let token = Secret::random();
    let transaction = app.database.transaction(async |connection| {
        let now = Utc::now();
        let found = links::find_issuable_link(connection, id, now).await?;
        let (user_id, purpose) = found.ok_or(Error::LinkInvalid)?;
        let user = users::lock_user(connection, user_id).await?;
        let user = user.filter(|user| purpose.applies_to(user)).ok_or(Error::LinkInvalid)?;
        let expires_at = now + purpose.duration();
        if links::update_token(connection, id, &token.hash(), expires_at).await? {
            Ok((user, expires_at))
        } else {
            // The link was used, revoked or replaced until its account was locked.
            Err(Error::LinkInvalid)
        }
    });
    let (user, expires_at) = transaction.await?;
    Ok(IssuedLink { token, expires_at, user })
}
