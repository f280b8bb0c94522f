//! Argon2id: hashes and verifies passwords on blocking threads, at most one per core at a time, and one
//! core is left to all other work. Knows nothing of accounts.

use std::{
    sync::{Arc, LazyLock},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{Error as HashError, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use mesh::{Error, client::Network, deadline};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::password::queue::{Admission, Queue};

/// Memory of one hash, in KiB. With the next two it is OWASP's minimum.
const MEMORY_KIB: u32 = 19 << 10;
/// Passes over the memory.
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Longest wait for a core, if the caller sets no deadline.
const WAIT_MAX: Duration = Duration::from_secs(30);

static ARGON2: LazyLock<Argon2<'static>> = LazyLock::new(|| {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
});

/// Admits calls to hash and verify passwords. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Passwords {
    queue: Queue,
    cores: Arc<Semaphore>,
    /// Hash of a random password. Verification uses it without an account, so that it takes as long as
    /// with one.
    dummy_hash: Arc<str>,
}

/// The result of a verification.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    Match,
    /// A match whose stored hash has other parameters than new ones: the hash to store instead.
    MatchRehashed(String),
    Mismatch,
}

impl Passwords {
    /// Computes the dummy hash, which takes the time of one hash. `call_permits` is how many calls of
    /// all methods may be in flight.
    pub(crate) fn new(call_permits: usize, calls_per_network_max: usize) -> Result<Self, Error> {
        let cores = available_parallelism().map_or(1, usize::from);
        let cores = cores.saturating_sub(1).max(1);
        let dummy = SecretString::from(uuid::Uuid::new_v4().to_string());
        Ok(Self {
            queue: Queue::new(cores, call_permits, calls_per_network_max),
            cores: Arc::new(Semaphore::new(cores)),
            dummy_hash: hash(&dummy)?.into(),
        })
    }

    /// Admits a call of `network`, which hashes or verifies passwords.
    ///
    /// # Errors
    /// OVERLOADED if too many calls are in flight.
    pub(crate) fn admit(&self, network: Network) -> Result<AdmittedPasswords, Error> {
        let admission = self.queue.admit(network)?;
        Ok(AdmittedPasswords { passwords: self.clone(), _admission: admission })
    }
}

/// Hashes and verifies the passwords of one admitted call.
pub(crate) struct AdmittedPasswords {
    passwords: Passwords,
    _admission: Admission,
}

impl AdmittedPasswords {
    /// Returns the hash of a password in the PHC string format. Fails with DEADLINE_EXCEEDED if no core
    /// is free in time.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.run(move || hash(&password)).await
    }

    /// Verifies a password against a stored hash. Without one it takes as long, and fails. Fails with
    /// DEADLINE_EXCEEDED if no core is free in time.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<Verification, Error> {
        let dummy_hash = self.passwords.dummy_hash.clone();
        self.run(move || match &stored {
            Some(stored) => verify(&password, stored),
            None => verify(&password, &dummy_hash).map(|_| Verification::Mismatch),
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let requested_at = Instant::now();
        let cores = self.passwords.cores.clone();
        let permit = timeout(deadline::remaining(WAIT_MAX), cores.acquire_owned());
        let permit = permit.await.map_err(|_| Error::DeadlineExceeded)?.map_err(Error::internal)?;
        metrics::histogram!("password_wait_seconds").record(requested_at.elapsed().as_secs_f64());
        let work = move || {
            // Kept until the work ends, even if the caller is gone.
            let _permit = permit;
            let started_at = Instant::now();
            let result = work();
            metrics::histogram!("password_hash_seconds").record(started_at.elapsed().as_secs_f64());
            result
        };
        spawn_blocking(work).await.map_err(Error::internal)?
    }
}

/// Returns the hash of a password in the PHC string format, on this thread.
pub(crate) fn hash(password: &SecretString) -> Result<String, Error> {
    let hash = ARGON2.hash_password(normalized(password).expose_secret().as_bytes());
    Ok(hash.map_err(Error::internal)?.to_string())
}

/// Returns a password in Unicode NFC: what a keyboard produces for one character differs between
/// systems.
fn normalized(password: &SecretString) -> SecretString {
    password.expose_secret().nfc().collect::<String>().into()
}

/// Verifies a password in NFC and, if that does not match and differs, as entered: older hashes are of
/// the latter.
fn verify(password: &SecretString, stored: &str) -> Result<Verification, Error> {
    let stored = PasswordHash::new(stored).map_err(Error::internal)?;
    if matches(&normalized(password), &stored)? {
        return if is_current(&stored) {
            Ok(Verification::Match)
        } else {
            hash(password).map(Verification::MatchRehashed)
        };
    }
    if !is_nfc(password.expose_secret()) && matches(password, &stored)? {
        return hash(password).map(Verification::MatchRehashed);
    }
    Ok(Verification::Mismatch)
}

fn matches(password: &SecretString, stored: &PasswordHash) -> Result<bool, Error> {
    match ARGON2.verify_password(password.expose_secret().as_bytes(), stored) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(Error::internal(error)),
    }
}

/// Returns whether a hash has the parameters of new hashes.
fn is_current(stored: &PasswordHash) -> bool {
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    stored.algorithm == Algorithm::Argon2id.ident()
        && stored.version == Some(Version::V0x13.into())
        && Params::try_from(stored).is_ok_and(|params| costs(&params) == costs(ARGON2.params()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    fn admitted() -> AdmittedPasswords {
        let passwords = Passwords::new(1024, 4).expect("there is memory");
        passwords.admit(Network::of([127, 0, 0, 1].into())).expect("the queue is empty")
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = admitted();
        let stored = passwords.hash(secret("correct horse")).await.expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let verify = async |password: &str, stored: Option<&str>| {
            let stored = stored.map(ToOwned::to_owned);
            passwords.verify(secret(password), stored).await.expect("a result")
        };
        assert_eq!(verify("correct horse", Some(&stored)).await, Verification::Match);
        assert_eq!(verify("battery staple", Some(&stored)).await, Verification::Mismatch);
        assert_eq!(verify("correct horse", None).await, Verification::Mismatch);
    }

    #[test]
    fn only_the_right_password_replaces_a_hash_with_other_parameters() {
        let params = Params::new(8, 1, 1, None).expect("in range");
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let stored = weak.hash_password(b"correct horse").expect("a hash").to_string();
        let verify =
            |password: &str, stored: &str| verify(&secret(password), stored).expect("a result");
        assert_eq!(verify("battery staple", &stored), Verification::Mismatch);
        let Verification::MatchRehashed(new) = verify("correct horse", &stored) else {
            panic!("the hash is not replaced");
        };
        assert_eq!(verify("correct horse", &new), Verification::Match);
    }

    #[test]
    fn passwords_are_compared_in_nfc_and_old_hashes_of_other_forms_still_match() {
        let (composed, decomposed) =
            (secret("Zo\u{eb} \u{e9}tudie"), secret("Zoe\u{308} e\u{301}tudie"));
        let verify = |password, stored: &str| verify(password, stored).expect("a result");
        let stored = hash(&decomposed).expect("a hash");
        assert_eq!(verify(&composed, &stored), Verification::Match);
        assert_eq!(verify(&decomposed, &stored), Verification::Match);

        let bytes = decomposed.expose_secret().as_bytes();
        let old = ARGON2.hash_password(bytes).expect("a hash").to_string();
        assert_eq!(verify(&composed, &old), Verification::Mismatch);
        let Verification::MatchRehashed(new) = verify(&decomposed, &old) else {
            panic!("the hash is not replaced");
        };
        assert_eq!(verify(&composed, &new), Verification::Match);
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let hash = || hash(&secret("correct horse")).expect("a hash");
        assert_ne!(hash(), hash());
    }

    #[tokio::test]
    async fn a_wait_beyond_the_deadline_is_an_error() {
        let passwords = admitted();
        let cores = &passwords.passwords.cores;
        let _all = cores.acquire_many(cores.available_permits() as u32).await;
        let deadline = tokio::time::Instant::now();
        let result = deadline::scope(deadline, passwords.hash(secret("correct horse"))).await;
        assert!(matches!(result, Err(Error::DeadlineExceeded) | Ok(Err(Error::DeadlineExceeded))));
    }
}
