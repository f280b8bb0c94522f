//! Login: exchanges the credentials of an account for the tokens of a new session.

use chrono::Utc;
use mesh::client::Network;
use uuid::Uuid;

use crate::{
    App,
    db::{devices, sessions, users},
    device::{DEVICES_MAX, IssuedDeviceTokens},
    error::Error,
    limit::throttle,
    password::verification::verify_password,
    secret::Secret,
    session::{IssuedTokens, Login, Session, SessionId},
    user::UserId,
};

/// Starts a session on behalf of `network`. Returns its tokens, and the tokens of the device after it.
///
/// An address without an account and a wrong password get the same response after the same work, and
/// have the same limit. So nobody finds out which addresses have an account (user enumeration).
pub(crate) async fn login(
    app: &App,
    login: Login,
    network: Network,
) -> Result<(IssuedTokens, IssuedDeviceTokens), Error> {
    let passwords = app.passwords.admit(network)?;
    let Login { email, password, carrier, user_agent, device_tokens } = login;
    let (credentials, device, limits) = {
        let mut connection = app.database.connection().await?;
        let credentials = users::find_credentials(&mut connection, &email).await?;
        let user_id = credentials.as_ref().map_or(UserId(Uuid::nil()), |(id, _)| *id);
        let hashes = device_tokens.hashes();
        let device = devices::find_device(&mut connection, user_id, &hashes).await?;
        let limits = app.network_limits.of_guess(&app.subjects, &email, network, device.as_ref());
        throttle::check_all(&mut connection, &limits).await?;
        (credentials, device, limits)
    };
    let stored = credentials.as_ref().map(|(_, hash)| hash.clone());
    let new_hash = verify_password(app, &passwords, &limits, password, stored).await?;
    // Without an account no password matches.
    let (user_id, hash) = credentials.ok_or(Error::BadCredentials)?;

    let (id, now) = (SessionId(Uuid::now_v7()), Utc::now());
    let refresh_token = Secret::random();
    let device_tokens = device_tokens.after_login(device.as_ref());
    let transaction = app.database.transaction(async |connection| {
        // Other logins may have failed while this one waited for a core.
        throttle::check_all(connection, &limits).await?;
        if let Some(new_hash) = &new_hash {
            users::update_password_hash(connection, user_id, &hash, new_hash).await?;
        }
        let hash = new_hash.as_ref().unwrap_or(&hash);
        let user = users::lock_user_with_hash(connection, user_id, hash).await?;
        let user = user.ok_or(Error::BadCredentials)?;
        if user.is_disabled() {
            return Err(Error::AccountDisabled);
        }
        let expires_at = app.session_lifetime.expires_at(now, user.role, now);
        let session = Session { id, created_at: now, refreshed_at: now, expires_at, user_agent };
        sessions::insert_session(connection, user_id, &session).await?;
        sessions::delete_surplus_sessions(connection, user_id, now).await?;
        let hash = refresh_token.hash();
        sessions::insert_token(connection, id, &hash, carrier, expires_at).await?;
        devices::upsert_device(connection, user_id, &device_tokens.own.hash(), now).await?;
        devices::delete_excess_devices(connection, user_id, DEVICES_MAX).await?;
        Ok((user, expires_at))
    });
    let (user, expires_at) = transaction.await?;
    let access_token = app.issuer.user_token(&user, id.0)?;
    let refresh_duration = (expires_at - now).to_std().unwrap_or_default();
    let issued = IssuedTokens { access_token, refresh_token, refresh_duration, carrier, user };
    Ok((issued, device_tokens))
}
