//! Messages of mailed links.

use mesh::validate::Violations;
use proto::user::v1 as pb;
use secrecy::SecretString;

use super::{Result, SECRET_BYTES_MAX};
use crate::{password::new_password, secret::Secret, user::Email};

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

fn token(violations: &mut Violations, token: String) -> Secret {
    let fits = (1..=SECRET_BYTES_MAX).contains(&token.len());
    violations.require(fits, "token", "must come from the link of a mail");
    Secret::received(token)
}
