//! Between the messages of the contract and the domain types. Checks every field of a request, and
//! reports all bad fields at once.

pub(crate) mod api_client;
pub(crate) mod audit;
pub(crate) mod cookie;
pub(crate) mod link;
pub(crate) mod password;
pub(crate) mod session;
pub(crate) mod user;

use mesh::validate::Violations;
use mesh_data::page::{Page, PageTokens, Scope};
use proto::user::v1 as pb;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{device::DeviceTokens, secret::Secret, user::Role};

type Result<T> = std::result::Result<T, mesh::Error>;

/// Longest secret that is read, in bytes.
const SECRET_BYTES_MAX: usize = 128;

/// Reads the page of a list that has no filters.
fn unfiltered_page<C: Serialize + DeserializeOwned>(
    method: &str,
    caller: Uuid,
    tokens: &PageTokens,
    size: i32,
    token: &str,
) -> Result<Page<C>> {
    let mut violations = Violations::new();
    let scope = Scope { method, filters: &(), caller: &caller.to_string() };
    let page = Page::read(&mut violations, tokens, &scope, size, token);
    violations.finish(page)
}

/// Returns the device token of the message or, without one, those of the cookie.
fn device_tokens(violations: &mut Violations, token: String, cookie: DeviceTokens) -> DeviceTokens {
    let fits = token.len() <= SECRET_BYTES_MAX;
    violations.require(fits, "device_token", "must come from a response");
    if token.is_empty() { cookie } else { DeviceTokens::new([Secret::received(token)]) }
}

/// Returns the role, and adds a violation if it is unspecified or unknown.
fn decode_role(violations: &mut Violations, role: i32) -> Role {
    match pb::Role::try_from(role) {
        Ok(pb::Role::Customer) => Role::Customer,
        Ok(pb::Role::Admin) => Role::Admin,
        Ok(pb::Role::Unspecified) | Err(_) => {
            violations.add("role", "must be ROLE_CUSTOMER or ROLE_ADMIN");
            Role::Customer
        }
    }
}

fn encode_role(role: Role) -> pb::Role {
    match role {
        Role::Customer => pb::Role::Customer,
        Role::Admin => pb::Role::Admin,
    }
}
