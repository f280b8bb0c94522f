//! Requests for links: an account gets a mail with a link, if it exists and is allowed to.

use std::time::Duration;

use mesh::client::Network;
use mesh_data::{database::Connection, outbox};
use tokio::time::{Instant, sleep_until};

use crate::{
    App,
    db::{attempts, links, users},
    error::Error,
    events,
    limit::{LINK_REQUESTS, throttle},
    link::{Link, Purpose},
    user::{Email, User},
};

/// When a request is answered: well after the work for an existing account is done, so that the
/// response time does not reveal whether there is one.
const RESPONSE_DELAY: Duration = Duration::from_millis(250);

/// Requests a mail with a link to the account with this address, on behalf of `network`.
///
/// Response and response time are the same without an account, so nobody finds out which addresses
/// have one (user enumeration).
pub(crate) async fn request_link(
    app: &App,
    purpose: Purpose,
    email: &Email,
    network: Network,
) -> Result<(), Error> {
    let respond_at = Instant::now() + RESPONSE_DELAY;
    let subject = app.subjects.network(network);
    let transaction = app.database.transaction(async |connection| {
        throttle::lock_and_check(connection, &LINK_REQUESTS, &subject).await?;
        attempts::insert_attempt(connection, &LINK_REQUESTS, &subject).await?;
        let user = users::lock_user_by_email_for_share(connection, email).await?;
        match user.filter(|user| purpose.applies_to(user)) {
            Some(user) => request_mail(app, connection, purpose, &user).await,
            None => Ok(()),
        }
    });
    transaction.await?;
    app.wakeup.notify();
    sleep_until(respond_at).await;
    Ok(())
}

/// Requests a mail with a new link, unless the account has reached its limit.
async fn request_mail(
    app: &App,
    connection: &mut Connection,
    purpose: Purpose,
    user: &User,
) -> Result<(), Error> {
    let (limit, subject) = (purpose.mail_limit(), app.subjects.account(&user.email));
    match throttle::lock_and_check(connection, limit, &subject).await {
        // An error would reveal that the account exists.
        Err(Error::Mesh(mesh::Error::RateLimited { .. })) => return Ok(()),
        allowed => allowed?,
    }
    attempts::insert_attempt(connection, limit, &subject).await?;
    let link = Link::new(purpose);
    links::replace_link(connection, user.id, &link).await?;
    Ok(outbox::insert_events(connection, &[events::link_mail(user, &link)]).await?)
}
