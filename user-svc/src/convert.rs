//! Between the contract's messages and user-svc's own types: every field of a request is
//! checked here, and all that are bad are told at once.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use mesh::{server::Peer, validate::Violations};
use mesh_data::{
    outbox::NewEvent,
    page::{Page, PageTokens, Scope},
};
use proto::{
    time::timestamp,
    user::v1::{self as pb, user_mail_requested::Mail},
};
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};
use tonic::{Request, metadata::MetadataMap};
use uuid::Uuid;

use crate::{
    access_token::ACCESS_TOKEN_DURATION,
    accounts::UserFilter,
    cookie,
    link::{Link, Purpose},
    session::{Carrier, Secret, Session, SessionId},
    user::{self, ApiClient, ApiClientId, Email, NewAccount, Role, User, UserId},
};

type Result<T> = std::result::Result<T, mesh::Error>;

/// The service that is believed when it says where a call came from.
const GATEWAY: &str = "gateway";
/// Longest secret that is looked at, in bytes.
const SECRET_BYTES_MAX: usize = 128;

/// Longest text that ListUsers looks for, in characters.
const QUERY_CHARACTERS_MAX: usize = 200;
/// How much of a `user-agent` is kept, in characters.
const USER_AGENT_CHARACTERS_MAX: usize = 200;

/// `expires_in` of every access token.
pub const EXPIRES_IN_SECONDS: i64 = ACCESS_TOKEN_DURATION.as_secs() as i64;

/// Topic of mails that accounts are to get.
pub const USER_MAIL_TOPIC: &str = "user-mail";

/// The account that SignUp asks for.
pub fn sign_up(request: pb::SignUpRequest) -> Result<NewAccount> {
    let mut violations = Violations::new();
    let account = NewAccount {
        email: Email::checked(&mut violations, "email", &request.email),
        password: user::new_password(&mut violations, "password", request.password),
        display_name: user::name(&mut violations, "display_name", &request.display_name),
    };
    violations.finish(account)
}

/// What Login asks for.
pub fn login(request: pb::LoginRequest) -> Result<(Email, SecretString, Carrier)> {
    let mut violations = Violations::new();
    let email = Email::checked(&mut violations, "email", &request.email);
    let password = user::known_password(&mut violations, "password", request.password);
    let carrier = if request.use_cookie { Carrier::Cookie } else { Carrier::Message };
    violations.finish((email, password, carrier))
}

/// The refresh token of a RefreshSession and how it came; none where none did.
pub fn refresh_session(
    request: Request<pb::RefreshSessionRequest>,
) -> Result<Option<(Secret, Carrier)>> {
    let mut violations = Violations::new();
    let cookie = cookie::read(request.metadata());
    let token = request.into_inner().refresh_token;
    let fits = token.len() <= SECRET_BYTES_MAX;
    violations.require(fits, "refresh_token", "must come from a response");
    violations.finish(match token.is_empty() {
        true => cookie.map(|token| (token, Carrier::Cookie)),
        false => Some((Secret::received(token), Carrier::Message)),
    })
}

/// The name that UpdateCurrentUser asks for.
pub fn update_current_user(request: pb::UpdateCurrentUserRequest) -> Result<String> {
    let mut violations = Violations::new();
    let user = request.user.unwrap_or_default();
    let paths = request.update_mask.unwrap_or_default().paths;
    violations.require(!paths.is_empty(), "update_mask", "must name a field");
    for path in &paths {
        let known = path == "display_name";
        violations.require(known, "update_mask", "must name nothing but display_name");
    }
    let display_name = match paths.is_empty() {
        true => String::new(),
        false => user::name(&mut violations, "user.display_name", &user.display_name),
    };
    violations.finish(display_name)
}

/// The passwords of ChangePassword: the one that is, and the one that is to be.
pub fn change_password(request: pb::ChangePasswordRequest) -> Result<(SecretString, SecretString)> {
    let mut violations = Violations::new();
    let current =
        user::known_password(&mut violations, "current_password", request.current_password);
    let new = user::new_password(&mut violations, "new_password", request.new_password);
    violations.finish((current, new))
}

/// The address that a link is to be mailed to.
pub fn email(email: &str) -> Result<Email> {
    let mut violations = Violations::new();
    let email = Email::checked(&mut violations, "email", email);
    violations.finish(email)
}

/// What ResetPassword asks for.
pub fn reset_password(request: pb::ResetPasswordRequest) -> Result<(Secret, SecretString)> {
    let mut violations = Violations::new();
    let token = link_token(&mut violations, request.token);
    let new = user::new_password(&mut violations, "new_password", request.new_password);
    violations.finish((token, new))
}

/// The token of VerifyEmail.
pub fn verify_email(request: pb::VerifyEmailRequest) -> Result<Secret> {
    let mut violations = Violations::new();
    let token = link_token(&mut violations, request.token);
    violations.finish(token)
}

fn link_token(violations: &mut Violations, token: String) -> Secret {
    let fits = (1..=SECRET_BYTES_MAX).contains(&token.len());
    violations.require(fits, "token", "must come from the link of a mail");
    Secret::received(token)
}

/// What a page token of a list without filters is good for.
pub fn scope<'a>(method: &'a str, caller: &'a str) -> Scope<'a, ()> {
    Scope { method, filters: &(), caller }
}

/// Which page of a list without filters a request asks for.
pub fn page<C: Serialize + DeserializeOwned>(
    tokens: &PageTokens,
    scope: &Scope<'_, ()>,
    size: i32,
    token: &str,
) -> Result<Page<C>> {
    let mut violations = Violations::new();
    let page = Page::read(&mut violations, tokens, scope, size, token);
    violations.finish(page)
}

/// The session that RevokeSession is about.
pub fn session_id(id: &str) -> Result<SessionId> {
    let mut violations = Violations::new();
    let id = violations.uuid("session_id", id);
    violations.finish(SessionId(id))
}

/// What a page token of ListUsers is good for.
pub fn list_users_scope<'a>(filter: &'a UserFilter, caller: &'a str) -> Scope<'a, UserFilter> {
    Scope { method: "ListUsers", filters: filter, caller }
}

/// What ListUsers asks for.
pub fn list_users(
    request: &pb::ListUsersRequest,
    caller: &str,
    tokens: &PageTokens,
) -> Result<(UserFilter, Page<UserId>)> {
    let mut violations = Violations::new();
    let query = violations.text("query", &request.query, 0, QUERY_CHARACTERS_MAX);
    let filter = UserFilter {
        query: (!query.is_empty()).then_some(query),
        role: (request.role != 0).then(|| known_role(&mut violations, request.role)),
    };
    let scope = list_users_scope(&filter, caller);
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

/// What SetUserRole asks for.
pub fn set_user_role(request: &pb::SetUserRoleRequest) -> Result<(UserId, Role)> {
    let mut violations = Violations::new();
    let id = UserId(violations.uuid("user_id", &request.user_id));
    let role = known_role(&mut violations, request.role);
    violations.finish((id, role))
}

/// The one field of a request that is about one account.
pub fn user_id(id: &str) -> Result<UserId> {
    let mut violations = Violations::new();
    let id = violations.uuid("user_id", id);
    violations.finish(UserId(id))
}

/// What CreateApiClient asks for: name, role, and the id of the request.
pub fn create_api_client(
    request: &pb::CreateApiClientRequest,
) -> Result<(String, Role, Option<Uuid>)> {
    let mut violations = Violations::new();
    let name = user::name(&mut violations, "name", &request.name);
    let role = known_role(&mut violations, request.role);
    let request_id = violations.optional_uuid("request_id", &request.request_id);
    violations.finish((name, role, request_id))
}

/// The API client that RevokeApiClient is about.
pub fn client_id(id: &str) -> Result<ApiClientId> {
    let mut violations = Violations::new();
    let id = violations.uuid("client_id", id);
    violations.finish(ApiClientId(id))
}

fn known_role(violations: &mut Violations, role: i32) -> Role {
    match pb::Role::try_from(role) {
        Ok(pb::Role::Customer) => Role::Customer,
        Ok(pb::Role::Admin) => Role::Admin,
        Ok(pb::Role::Unspecified) | Err(_) => {
            violations.add("role", "must be ROLE_CUSTOMER or ROLE_ADMIN");
            Role::Customer
        }
    }
}

/// What a client calls itself, as far as it is kept; may be empty.
pub fn user_agent(metadata: &MetadataMap) -> String {
    let value = metadata.get("user-agent").and_then(|value| value.to_str().ok());
    value.unwrap_or_default().chars().take(USER_AGENT_CHARACTERS_MAX).collect()
}

/// What ExchangeClientCredentials asks for.
pub fn exchange_client_credentials(
    request: pb::ExchangeClientCredentialsRequest,
) -> Result<(ApiClientId, Secret)> {
    let mut violations = Violations::new();
    let id = ApiClientId(violations.uuid("client_id", &request.client_id));
    let fits = (1..=SECRET_BYTES_MAX).contains(&request.client_secret.len());
    violations.require(fits, "client_secret", "must be the one shown with the client_id");
    violations.finish((id, Secret::received(request.client_secret)))
}

/// Where a call came from: what the gateway saw, and else who is at the other end.
pub fn client_address<T>(request: &Request<T>) -> Result<IpAddr> {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.ok_or_else(|| mesh::Error::internal("a call came from nowhere"))?;
    let told = request.metadata().get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let told = told.filter(|_| peer.certificate_name.as_deref() == Some(GATEWAY));
    Ok(told.and_then(|text| text.trim().parse().ok()).unwrap_or(peer.address.ip()))
}

/// An account as the contract has it.
pub fn user(user: User) -> pb::User {
    pb::User {
        user_id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        display_name: user.display_name,
        role: role(user.role).into(),
        email_verified: user.email_verified,
        create_time: Some(timestamp(user.created_at)),
        disable_time: user.disabled_at.map(timestamp),
    }
}

/// A session as the contract has it; `current` is that of the access token.
pub fn session(session: Session, current: Option<SessionId>) -> pb::Session {
    pb::Session {
        session_id: session.id.to_string(),
        create_time: Some(timestamp(session.created_at)),
        refresh_time: Some(timestamp(session.refreshed_at)),
        expire_time: Some(timestamp(session.expires_at)),
        user_agent: session.user_agent,
        current: current == Some(session.id),
    }
}

/// An API client as the contract has it.
pub fn api_client(client: ApiClient) -> pb::ApiClient {
    pb::ApiClient {
        client_id: client.id.to_string(),
        name: client.name,
        role: role(client.role).into(),
        create_time: Some(timestamp(client.created_at)),
    }
}

fn role(role: Role) -> pb::Role {
    match role {
        Role::Customer => pb::Role::Customer,
        Role::Admin => pb::Role::Admin,
    }
}

/// The event that a new account is to be greeted by a mail, with a link that verifies its
/// address.
pub fn welcome_mail(user: &User, link: &Link) -> NewEvent {
    let verification = Some(mailed_link(link));
    user_mail(user, user.created_at, Mail::Welcome(pb::WelcomeMail { verification }))
}

/// The event that an account is to be mailed a link.
pub fn link_mail(user: &User, link: &Link) -> NewEvent {
    let mailed = Some(mailed_link(link));
    let mail = match link.purpose {
        Purpose::ResetPassword => Mail::PasswordReset(pb::PasswordResetMail { link: mailed }),
        Purpose::VerifyEmail => Mail::EmailVerification(pb::EmailVerificationMail { link: mailed }),
    };
    user_mail(user, Utc::now(), mail)
}

/// The event that an account is to be told that its password was changed.
pub fn password_changed_mail(user: &User) -> NewEvent {
    user_mail(user, Utc::now(), Mail::PasswordChanged(pb::PasswordChangedMail {}))
}

fn mailed_link(link: &Link) -> pb::MailedLink {
    pb::MailedLink {
        token: link.token.expose().to_owned(),
        expire_time: Some(timestamp(link.expires_at)),
    }
}

fn user_mail(user: &User, asked_at: DateTime<Utc>, mail: Mail) -> NewEvent {
    let event_id = Uuid::now_v7();
    let event = pb::UserMailRequested {
        event_id: event_id.to_string(),
        user_id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        display_name: user.display_name.clone(),
        create_time: Some(timestamp(asked_at)),
        mail: Some(mail),
    };
    NewEvent::new(event_id, USER_MAIL_TOPIC, user.id.to_string(), &event)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn from(peer: &str, name: Option<&str>, told: Option<&str>) -> IpAddr {
        let mut request = Request::new(());
        let address = format!("{peer}:1").parse().expect("an address");
        request.extensions_mut().insert(Peer { address, certificate_name: name.map(Arc::from) });
        if let Some(told) = told {
            request.metadata_mut().insert("x-forwarded-for", told.parse().expect("a header"));
        }
        client_address(&request).expect("there is a peer")
    }

    #[test]
    fn only_the_gateway_is_believed_about_where_a_call_came_from() {
        for (name, told, want) in [
            (Some("gateway"), Some("10.9.8.7"), "10.9.8.7"),
            (Some("gateway"), Some("2001:db8::1"), "2001:db8::1"),
            (Some("gateway"), Some("nonsense"), "10.0.0.1"),
            (Some("gateway"), None, "10.0.0.1"),
            (Some("order-svc"), Some("10.9.8.7"), "10.0.0.1"),
            (None, Some("10.9.8.7"), "10.0.0.1"),
        ] {
            let want: IpAddr = want.parse().expect("an address");
            assert_eq!(from("10.0.0.1", name, told), want, "{name:?} {told:?}");
        }
    }
}
