//! Between the contract's messages and user-svc's own types: every field of a request is
//! checked here, and all that are bad are told at once.

use std::net::IpAddr;

use mesh::{outbox::NewEvent, server::Peer, validate::Violations};
use proto::{
    time::timestamp,
    user::v1::{self as pb, user_mail_requested::Mail},
};
use secrecy::SecretString;
use tonic::Request;
use uuid::Uuid;

use crate::{
    access_token::ACCESS_TOKEN_DURATION,
    cookie,
    session::{Carrier, Secret},
    user::{self, ApiClientId, Email, NewAccount, Role, User},
};

type Result<T> = std::result::Result<T, mesh::Error>;

/// The service that is believed when it says where a call came from.
const GATEWAY: &str = "gateway";
/// Longest secret that is looked at, in bytes.
const SECRET_BYTES_MAX: usize = 128;

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
        email: user.email,
        display_name: user.display_name,
        role: role(user.role).into(),
        email_verified: user.email_verified,
        create_time: Some(timestamp(user.created_at)),
        disable_time: user.disabled_at.map(timestamp),
    }
}

fn role(role: Role) -> pb::Role {
    match role {
        Role::Customer => pb::Role::Customer,
        Role::Admin => pb::Role::Admin,
    }
}

/// The event that a new account is to be greeted by mail.
pub fn welcome_mail(user: &User) -> NewEvent {
    let event_id = Uuid::now_v7();
    let event = pb::UserMailRequested {
        event_id: event_id.to_string(),
        user_id: user.id.to_string(),
        email: user.email.clone(),
        display_name: user.display_name.clone(),
        create_time: Some(timestamp(user.created_at)),
        mail: Some(Mail::Welcome(pb::WelcomeMail {})),
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
