//! Messages of accounts.

use mesh::validate::Violations;
use mesh_data::page::{Page, PageTokens, Scope};
use proto::{time::timestamp, user::v1 as pb};
use uuid::Uuid;

use super::{Result, decode_role, encode_role};
use crate::{
    password::new_password,
    user::{self, Email, NewAccount, Role, User, UserFilter, UserId},
};

/// Longest text that ListUsers searches for, in characters.
const QUERY_CHARACTERS_MAX: usize = 200;

pub(crate) fn sign_up(request: pb::SignUpRequest) -> Result<NewAccount> {
    let mut violations = Violations::new();
    let account = NewAccount {
        email: Email::checked(&mut violations, "email", &request.email),
        password: new_password(&mut violations, "password", request.password),
        display_name: user::display_name(&mut violations, "display_name", &request.display_name),
    };
    violations.finish(account)
}

/// Returns the new name, the only field that `update_mask` may name.
pub(crate) fn update_current_user(request: pb::UpdateCurrentUserRequest) -> Result<String> {
    let mut violations = Violations::new();
    let user = request.user.unwrap_or_default();
    let paths = request.update_mask.unwrap_or_default().paths;
    let paths = violations.mask_paths("update_mask", paths);
    for path in &paths {
        let known = path == "display_name";
        violations.require(known, "update_mask", "must name nothing but display_name");
    }
    let display_name = if paths.is_empty() {
        String::new()
    } else {
        user::display_name(&mut violations, "user.display_name", &user.display_name)
    };
    violations.finish(display_name)
}

pub(crate) fn list_users(
    request: &pb::ListUsersRequest,
    caller: Uuid,
    tokens: &PageTokens,
) -> Result<(UserFilter, Page<UserId>)> {
    let mut violations = Violations::new();
    let query = violations.text("query", &request.query, 0, QUERY_CHARACTERS_MAX);
    let filter = UserFilter {
        query: (!query.is_empty()).then_some(query),
        role: (request.role != 0).then(|| decode_role(&mut violations, request.role)),
    };
    let caller = caller.to_string();
    let scope = Scope { method: "ListUsers", filters: &filter, caller: &caller };
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

pub(crate) fn set_user_role(request: &pb::SetUserRoleRequest) -> Result<(UserId, Role)> {
    let mut violations = Violations::new();
    let id = UserId(violations.uuid("user_id", &request.user_id));
    let role = decode_role(&mut violations, request.role);
    violations.finish((id, role))
}

/// Returns the field `user_id` of a request that has no other.
pub(crate) fn user_id(id: &str) -> Result<UserId> {
    let mut violations = Violations::new();
    let id = violations.uuid("user_id", id);
    violations.finish(UserId(id))
}

pub(crate) fn encode(user: User) -> pb::User {
    pb::User {
        user_id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        display_name: user.display_name,
        role: encode_role(user.role).into(),
        email_verified: user.email_verified,
        create_time: Some(timestamp(user.created_at)),
        disable_time: user.disabled_at.map(timestamp),
    }
}
