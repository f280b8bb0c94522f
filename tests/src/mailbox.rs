//! The mails that the store sends, as its mailbox shows them.

use crate::{
    eventually,
    store::{Store, get},
};

/// A mail as the mailbox shows it.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Mail {
    /// The subject line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The recipients.
    pub to: Vec<MailAddress>,
    /// All headers, by lower-case name.
    pub headers: serde_json::Value,
}

/// An address of a mail.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct MailAddress {
    /// The address without the display name.
    pub address: String,
}

impl Store {
    /// Waits for a mail to `recipient` whose subject contains `subject`.
    ///
    /// # Panics
    /// If none arrives in time.
    pub async fn mail(&self, recipient: &str, subject: &str) -> Mail {
        eventually(&format!("a mail about {subject:?}"), || async {
            let mails = self.mails(recipient).await;
            mails.into_iter().find(|mail| mail.subject.contains(subject))
        })
        .await
    }

    /// Returns all mails to `recipient`.
    ///
    /// # Panics
    /// If the mailbox does not respond.
    pub async fn mails(&self, recipient: &str) -> Vec<Mail> {
        let body = get(&format!("{}/email", self.mailbox_url)).await.expect("the mailbox responds");
        let mails: Vec<Mail> = serde_json::from_slice(&body).expect("the mailbox returns JSON");
        mails.into_iter().filter(|mail| mail.to.iter().any(|to| to.address == recipient)).collect()
    }
}
