//! Messages of passwords.

use mesh::validate::Violations;
use proto::user::v1 as pb;
use tonic::Request;

use super::{Result, cookie, device_tokens};
use crate::password::{change::PasswordChange, existing_password, new_password};

pub(crate) fn change_password(
    request: Request<pb::ChangePasswordRequest>,
) -> Result<PasswordChange> {
    let mut violations = Violations::new();
    let cookie = cookie::read_devices(request.metadata());
    let request = request.into_inner();
    let current = existing_password(&mut violations, "current_password", request.current_password);
    let new = new_password(&mut violations, "new_password", request.new_password);
    let device_tokens = device_tokens(&mut violations, request.device_token, cookie);
    violations.finish(PasswordChange { current, new, device_tokens })
}
