//! The events that user-svc publishes: requests for mails to accounts.

use chrono::{DateTime, Utc};
use mesh_data::outbox::NewEvent;
use proto::{
    time::timestamp,
    topics::Event,
    user::v1::{self as pb, UserMailRequested, user_mail_requested::Mail},
};
use uuid::Uuid;

use crate::{
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
