//! The events that user-svc publishes, requests for mails to accounts, and the one that it consumes,
//! an entry of the audit trail.

use chrono::{DateTime, Utc};
use mesh::BoxError;
use mesh_data::{
    audit::{ActorKind, FieldChange},
    outbox::NewEvent,
};
use prost::{Message, Name};
use proto::{
    time::{from_timestamp, timestamp},
    topics::Event,
    user::v1::{self as pb, AuditActorKind, UserMailRequested, user_mail_requested::Mail},
};
use uuid::Uuid;

use crate::{
    audit::AuditEntry,
    link::{Link, Purpose},
    user::User,
};

/// Requests the welcome mail of a new account, with a link that verifies its address.
pub(crate) fn welcome_mail(user: &User, link: &Link) -> NewEvent {
    let verification = Some(mailed_link(link));
    user_mail(user, user.created_at, Mail::Welcome(pb::WelcomeMail { verification }))
}

/// Requests a mail with a link.
pub(crate) fn link_mail(user: &User, link: &Link) -> NewEvent {
    let mailed = Some(mailed_link(link));
    let mail = match link.purpose {
        Purpose::ResetPassword => Mail::PasswordReset(pb::PasswordResetMail { link: mailed }),
        Purpose::VerifyEmail => Mail::EmailVerification(pb::EmailVerificationMail { link: mailed }),
    };
    user_mail(user, Utc::now(), mail)
}

/// Requests a mail that notifies the owner of a changed password.
pub(crate) fn password_changed_mail(user: &User) -> NewEvent {
    user_mail(user, Utc::now(), Mail::PasswordChanged(pb::PasswordChangedMail {}))
}

fn mailed_link(link: &Link) -> pb::MailedLink {
    pb::MailedLink { link_id: link.id.to_string(), ..pb::MailedLink::default() }
}

fn user_mail(user: &User, requested_at: DateTime<Utc>, mail: Mail) -> NewEvent {
    let event_id = Uuid::now_v7();
    let event = UserMailRequested {
        event_id: event_id.to_string(),
        user_id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        display_name: user.display_name.clone(),
        create_time: Some(timestamp(requested_at)),
        mail: Some(mail),
        email_verified: user.email_verified,
    };
    NewEvent::new(event_id, UserMailRequested::TOPIC, user.id.to_string(), &event)
}

/// Decodes an `AuditRecorded`.
///
/// # Errors
/// Why it cannot be decoded.
pub(crate) fn audit_recorded(message: &str, payload: &[u8]) -> Result<AuditEntry, BoxError> {
    if message != pb::AuditRecorded::full_name() {
        return Err(format!("unknown message {message:?}").into());
    }
    let entry = pb::AuditRecorded::decode(payload)?.entry.ok_or("the event has no entry")?;
    let actor_kind = match entry.actor_kind() {
        AuditActorKind::Account => ActorKind::Account,
        AuditActorKind::ApiClient => ActorKind::Client,
        AuditActorKind::Unspecified => return Err("the actor is of no kind".into()),
    };
    let created_at = entry.create_time.as_ref().and_then(from_timestamp);
    let changes = entry.changes.into_iter().map(|change| FieldChange {
        field: change.field,
        old: change.old_value,
        new: change.new_value,
    });
    Ok(AuditEntry {
        id: Uuid::try_parse(&entry.entry_id)?,
        method: entry.method,
        actor_id: Uuid::try_parse(&entry.actor_id)?,
        actor_kind,
        subject_kind: entry.subject_kind,
        subject_id: Uuid::try_parse(&entry.subject_id)?,
        changes: serde_json::to_value(changes.collect::<Vec<_>>())?,
        created_at: created_at.ok_or("the entry has no time")?,
        trace_id: entry.trace_id,
    })
}
