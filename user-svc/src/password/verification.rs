//! Verifies the password of an account, and counts a wrong one as a failed login.

use secrecy::SecretString;

use crate::{
    App,
    error::Error,
    limit::{Limit, Subject, throttle},
    password::hashing::{AdmittedPasswords, Verification},
};

/// Verifies a password against the stored hash of an account. Without one it takes as long and fails.
/// Returns the hash to store instead, if the parameters have changed. A wrong password counts towards
/// `limits`.
pub(crate) async fn verify_password(
    app: &App,
    passwords: &AdmittedPasswords,
    limits: &[(Limit, Subject)],
    password: SecretString,
    stored: Option<String>,
) -> Result<Option<String>, Error> {
    match passwords.verify(password, stored).await? {
        Verification::Match => Ok(None),
        Verification::MatchRehashed(hash) => Ok(Some(hash)),
        Verification::Mismatch => {
            throttle::count(&app.database, limits).await?;
            Err(Error::BadCredentials)
        }
    }
}
