//! Composes claimed mails: reads the stored event, has user-svc create the token of a link, and
//! renders.
//!
//! **Invariant:** the token of a link exists only in the composed mail. It is not stored, and the
//! next attempt gets another.

use std::sync::Arc;

use chrono::Utc;
use lettre::message::Mailbox;
use mesh_data::database::{Database, convert_error};
use uuid::Uuid;

use crate::{
    clients::Links,
    content::{Link, MailContent, MailedLink},
    db::notifications as db,
    delivery::{ClaimedMail, Reply},
    events, mail,
    notification::inbox::UNVERIFIED_MAILS_MAX,
    smtp::Message,
    templates::Templates,
};

/// Why a mail is not composed.
pub(crate) enum NotComposed {
    /// There is no such mail to send. The reply is recorded instead of the server's.
    Failed(Reply),
    /// user-svc or the database is down, which says nothing about the mail.
    Unavailable(mesh::Error),
}

impl From<mesh::Error> for NotComposed {
    fn from(error: mesh::Error) -> Self {
        Self::Unavailable(error)
    }
}

/// Composes mails for all workers.
pub(crate) struct Composer {
    pub(crate) database: Database,
    pub(crate) links: Links,
    pub(crate) templates: Arc<Templates>,
    pub(crate) from: Mailbox,
}

impl Composer {
    /// Composes a claimed mail.
    pub(crate) async fn compose(
        &self,
        claimed: &ClaimedMail,
        message_id: &str,
    ) -> Result<Message, NotComposed> {
        if claimed.over_limit && claimed.resend_count == 0 {
            let reason = format!(
                "the address is not verified and gets at most {UNVERIFIED_MAILS_MAX} mails an hour"
            );
            return Err(dropped(&reason));
        }
        let mut content = events::decode_stored(claimed.kind, &claimed.payload)
            .map_err(|error| failed(&error.to_string()))?;
        let mut recipient = claimed.recipient.clone();
        let link = match content.link() {
            None => None,
            Some(MailedLink::Issued(link)) if link.expires_at > Utc::now() => Some(link.clone()),
            Some(MailedLink::Issued(_)) => return Err(link_invalid()),
            Some(MailedLink::Requested(id)) => {
                let id = *id;
                Some(self.issue_link(id, claimed, &mut content, &mut recipient).await?)
            }
        };
        let rendered = self
            .templates
            .render(&content, link.as_ref(), claimed.subject.clone())
            .map_err(|error| failed(&error.to_string()))?;
        mail::compose(&self.from, &recipient, &content.name, message_id, rendered)
            .map_err(|error| failed(&error.to_string()))
    }

    /// Has the token of a link created. Recipient and name become those of the account, whatever
    /// the event says.
    async fn issue_link(
        &self,
        id: Uuid,
        claimed: &ClaimedMail,
        content: &mut MailContent,
        recipient: &mut String,
    ) -> Result<Link, NotComposed> {
        let issued = self.links.issue_link(id).await?.ok_or_else(link_invalid)?;
        if issued.email != *recipient {
            tracing::warn!("the event names another address than that of the account");
            let mut connection = self.database.connection().await?;
            let update = db::update_recipient(&mut connection, claimed.id, &issued.email);
            update.await.map_err(convert_error)?;
        }
        *recipient = issued.email;
        content.name = issued.name;
        Ok(issued.link)
    }
}

fn failed(reason: &str) -> NotComposed {
    NotComposed::Failed(Reply::new(0, reason))
}

/// Drops a mail: it ends as FAILED, without an attempt to send it.
fn dropped(reason: &str) -> NotComposed {
    tracing::info!(reason, "a mail is dropped");
    failed(reason)
}

fn link_invalid() -> NotComposed {
    dropped("the link was used, revoked or replaced, or has expired")
}
