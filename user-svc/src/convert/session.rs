//! Messages of sessions.

use mesh::validate::Violations;
use mesh_data::page::{Page, PageTokens};
use proto::{time::timestamp, user::v1 as pb};
use tonic::{Request, metadata::MetadataMap};
use uuid::Uuid;

use super::{Result, SECRET_BYTES_MAX, cookie, device_tokens, unfiltered_page};
use crate::{
    password::existing_password,
    secret::Secret,
    session::{Carrier, Login, Session, SessionId},
    user::Email,
};

/// Longest `user-agent` that is stored, in characters; a longer one is cut.
const USER_AGENT_CHARACTERS_MAX: usize = 200;

pub(crate) fn login(request: Request<pb::LoginRequest>) -> Result<Login> {
    let mut violations = Violations::new();
    let user_agent = user_agent(request.metadata());
    let devices = cookie::read_devices(request.metadata());
    let request = request.into_inner();
    let login = Login {
        email: Email::checked(&mut violations, "email", &request.email),
        password: existing_password(&mut violations, "password", request.password),
        carrier: if request.use_cookie { Carrier::Cookie } else { Carrier::Message },
        user_agent,
        device_tokens: device_tokens(&mut violations, request.device_token, devices),
    };
    violations.finish(login)
}

fn user_agent(metadata: &MetadataMap) -> String {
    let value = metadata.get("user-agent").and_then(|value| value.to_str().ok());
    value.unwrap_or_default().chars().take(USER_AGENT_CHARACTERS_MAX).collect()
}

/// Returns the refresh token of the message or, without one, of the cookie.
pub(crate) fn refresh_session(
    request: Request<pb::RefreshSessionRequest>,
) -> Result<Option<(Secret, Carrier)>> {
    let mut violations = Violations::new();
    let cookie = cookie::read(request.metadata());
    let token = request.into_inner().refresh_token;
    let fits = token.len() <= SECRET_BYTES_MAX;
    violations.require(fits, "refresh_token", "must come from a response");
    violations.finish(if token.is_empty() {
        cookie.map(|token| (token, Carrier::Cookie))
    } else {
        Some((Secret::received(token), Carrier::Message))
    })
}

pub(crate) fn list_sessions(
    request: &pb::ListSessionsRequest,
    caller: Uuid,
    tokens: &PageTokens,
) -> Result<Page<SessionId>> {
    unfiltered_page("ListSessions", caller, tokens, request.page_size, &request.page_token)
}

pub(crate) fn revoke_session(request: &pb::RevokeSessionRequest) -> Result<SessionId> {
    let mut violations = Violations::new();
    let id = violations.uuid("session_id", &request.session_id);
    violations.finish(SessionId(id))
}

/// Encodes a session; `current` is the session of the access token.
pub(crate) fn encode(session: Session, current: Option<SessionId>) -> pb::Session {
    pb::Session {
        session_id: session.id.to_string(),
        create_time: Some(timestamp(session.created_at)),
        refresh_time: Some(timestamp(session.refreshed_at)),
        expire_time: Some(timestamp(session.expires_at)),
        user_agent: session.user_agent,
        current: current == Some(session.id),
    }
}
