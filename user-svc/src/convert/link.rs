//! Messages of mailed links.

use mesh::validate::Violations;
use proto::{time::timestamp, user::v1 as pb};
use secrecy::SecretString;

use super::{Result, SECRET_BYTES_MAX};
use crate::{
    link::{IssuedLink, LinkId},
    password::new_password,
    secret::Secret,
    user::Email,
};

/// Returns the address of a request for a link.
pub(crate) fn request_link(email: &str) -> Result<Email> {
    let mut violations = Violations::new();
    let email = Email::checked(&mut violations, "email", email);
    violations.finish(email)
}

/// Returns the token of the link and the new password.
pub(crate) fn reset_password(request: pb::ResetPasswordRequest) -> Result<(Secret, SecretString)> {
    let mut violations = Violations::new();
    let token = token(&mut violations, request.token);
    let new_password = new_password(&mut violations, "new_password", request.new_password);
    violations.finish((token, new_password))
}

pub(crate) fn verify_email(request: pb::VerifyEmailRequest) -> Result<Secret> {
    let mut violations = Violations::new();
    let token = token(&mut violations, request.token);
    violations.finish(token)
}

pub(crate) fn link_id(id: &str) -> Result<LinkId> {
    let mut violations = Violations::new();
    let id = violations.uuid("link_id", id);
    violations.finish(LinkId(id))
}

pub(crate) fn issued_link(issued: IssuedLink) -> pb::IssueLinkResponse {
    pb::IssueLinkResponse {
        token: issued.token.expose().to_owned(),
        expire_time: Some(timestamp(issued.expires_at)),
        email: issued.user.email.as_str().to_owned(),
        email_verified: issued.user.email_verified,
        display_name: issued.user.display_name,
    }
}

fn token(violations: &mut Violations, token: String) -> Secret {
    let fits = (1..=SECRET_BYTES_MAX).contains(&token.len());
    violations.require(fits, "token", "must come from the link of a mail");
    Secret::received(token)
}
