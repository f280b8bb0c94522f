//! Argon2id: hashes passwords and checks them, off the threads that serve calls and no
//! more at once than there are cores. Knows nothing of accounts.

use std::{
    sync::{Arc, LazyLock},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{Error as HashError, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use mesh::{Error, deadline};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// Memory of one hash, in KiB. This and the next two are OWASP's minimum.
const MEMORY_KIB: u32 = 19 << 10;
/// Passes over the memory.
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Longest wait for a core, where the caller sets no deadline.
const WAIT_MAX: Duration = Duration::from_secs(30);

static ARGON2: LazyLock<Argon2<'static>> = LazyLock::new(|| {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
});

/// Hashes and checks passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    cores: Arc<Semaphore>,
    /// Hash of a password that nobody knows: what is checked where there is no account,
    /// so that it takes as long as where there is one.
    nobodys_hash: Arc<str>,
}

/// Whether a password is that of an account.
#[derive(Debug, PartialEq, Eq)]
pub enum Check {
    /// It is.
    Right,
    /// It is, and is to be kept as this hash, since the parameters have moved.
    RightRehashed(String),
    /// It is not.
    Wrong,
}

impl Passwords {
    /// Takes the time of one hash.
    ///
    /// # Errors
    /// No memory for it.
    pub fn new() -> Result<Self, Error> {
        let cores = available_parallelism().map_or(1, usize::from);
        let nobody = SecretString::from(uuid::Uuid::new_v4().to_string());
        Ok(Self {
            cores: Arc::new(Semaphore::new(cores)),
            nobodys_hash: hash(&nobody).map_err(Error::internal)?.into(),
        })
    }

    /// The hash of a password, in the PHC string format.
    ///
    /// # Errors
    /// [`Error::DeadlineExceeded`] where no core was free in time.
    pub async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.run(move || hash(&password)).await
    }

    /// Checks a password against the hash of an account, or, as long, against none.
    ///
    /// # Errors
    /// [`Error::DeadlineExceeded`] where no core was free in time.
    pub async fn check(
        &self,
        password: SecretString,
        kept: Option<String>,
    ) -> Result<Check, Error> {
        let nobodys_hash = self.nobodys_hash.clone();
        self.run(move || match &kept {
            Some(kept) => check(&password, kept),
            None => check(&password, &nobodys_hash).map(|_| Check::Wrong),
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Error> {
        let asked = Instant::now();
        let permit = timeout(deadline::remaining(WAIT_MAX), self.cores.clone().acquire_owned());
        let permit = permit.await.map_err(|_| Error::DeadlineExceeded)?.map_err(Error::internal)?;
        metrics::histogram!("password_wait_seconds").record(asked.elapsed().as_secs_f64());
        let work = move || {
            // Held until the work ends, even where nobody waits for it any more.
            let _permit = permit;
            let began = Instant::now();
            let result = work();
            metrics::histogram!("password_hash_seconds").record(began.elapsed().as_secs_f64());
            result
        };
        spawn_blocking(work).await.map_err(Error::internal)?.map_err(Error::internal)
    }
}

fn hash(password: &SecretString) -> Result<String, HashError> {
    Ok(ARGON2.hash_password(password.expose_secret().as_bytes())?.to_string())
}

fn check(password: &SecretString, kept: &str) -> Result<Check, HashError> {
    let kept = PasswordHash::new(kept)?;
    match ARGON2.verify_password(password.expose_secret().as_bytes(), &kept) {
        Ok(()) if is_current(&kept) => Ok(Check::Right),
        Ok(()) => hash(password).map(Check::RightRehashed),
        Err(HashError::PasswordInvalid) => Ok(Check::Wrong),
        Err(error) => Err(error),
    }
}

/// Whether a hash was made as one would be made now.
fn is_current(kept: &PasswordHash) -> bool {
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    kept.algorithm == Algorithm::Argon2id.ident()
        && kept.version == Some(Version::V0x13.into())
        && Params::try_from(kept).is_ok_and(|params| costs(&params) == costs(ARGON2.params()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let passwords = Passwords::new().expect("there is memory");
        let kept = passwords.hash(secret("correct horse")).await.expect("a hash");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let check = async |password: &str, kept: Option<&str>| {
            let kept = kept.map(ToOwned::to_owned);
            passwords.check(secret(password), kept).await.expect("an answer")
        };
        assert_eq!(check("correct horse", Some(&kept)).await, Check::Right);
        assert_eq!(check("battery staple", Some(&kept)).await, Check::Wrong);
        assert_eq!(check("correct horse", None).await, Check::Wrong);
    }

    #[test]
    fn a_hash_of_other_parameters_is_made_anew_by_the_right_password_only() {
        let params = Params::new(8, 1, 1, None).expect("in range");
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let kept = weak.hash_password(b"correct horse").expect("a hash").to_string();
        assert_eq!(check(&secret("battery staple"), &kept).expect("an answer"), Check::Wrong);
        let Check::RightRehashed(fresh) = check(&secret("correct horse"), &kept).expect("one")
        else {
            panic!("the hash stayed");
        };
        assert_eq!(check(&secret("correct horse"), &fresh).expect("an answer"), Check::Right);
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let hash = || hash(&secret("correct horse")).expect("a hash");
        assert_ne!(hash(), hash());
    }

    #[tokio::test]
    async fn who_waits_longer_than_the_deadline_is_told_so() {
        let passwords = Passwords::new().expect("there is memory");
        let _all = passwords.cores.acquire_many(passwords.cores.available_permits() as u32).await;
        let deadline = tokio::time::Instant::now();
        let told = deadline::scope(deadline, passwords.hash(secret("correct horse"))).await;
        assert!(matches!(told, Err(Error::DeadlineExceeded) | Ok(Err(Error::DeadlineExceeded))));
    }
}
