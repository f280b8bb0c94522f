//! Messages of passwords.

use mesh::validate::Violations;
use proto::user::v1 as pb;
use secrecy::SecretString;

use super::Result;
use crate::password::{existing_password, new_password};

/// Returns the current and the new password.
pub(crate) fn change_password(
    request: pb::ChangePasswordRequest,
) -> Result<(SecretString, SecretString)> {
    let mut violations = Violations::new();
    let current = existing_password(&mut violations, "current_password", request.current_password);
    let new = new_password(&mut violations, "new_password", request.new_password);
    violations.finish((current, new))
}
