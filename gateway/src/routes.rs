//! What the gateway offers: each method of the descriptors that states its access, is
//! not internal and has an upstream. Built once; knows no method by name.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use http::Uri;
use mesh::{
    BoxError,
    access::{Access, Method, Methods},
    call::CallMetrics,
    channel::{Channel, Target},
    tls::Tls,
};

use crate::config::{Config, Upstream};

/// A method that is offered, and all that is known of it before a call comes.
pub struct Route {
    /// What the contract says.
    pub method: Method,
    /// To where it lives.
    pub channel: Channel,
    /// `reason` of the error when that is not there.
    pub unavailable_reason: &'static str,
    /// Whether cookies pass.
    pub cookies: bool,
    /// Longest time a call may take.
    pub duration_max: Duration,
    /// Counts its calls.
    pub metrics: CallMetrics,
}

impl Route {
    /// Whether a call may be sent again where its outcome is not known.
    pub fn repeatable(&self) -> bool {
        self.method.idempotent && !self.method.streaming
    }
}

/// All routes by path.
pub struct Routes(HashMap<String, Arc<Route>>);

impl Routes {
    /// Takes from `methods` what may be offered by `config`.
    ///
    /// # Errors
    /// An upstream that is `https` without certificates.
    pub fn new(
        methods: &Arc<Methods>,
        config: &Config,
        tls: Option<&Tls>,
    ) -> Result<Self, BoxError> {
        let mut channels = Channels { methods, tls, opened: HashMap::new() };
        let mut routes = HashMap::new();
        for (path, method) in methods.iter() {
            let Some(upstream) = upstream(&config.upstreams, method) else {
                continue;
            };
            let (channel, unavailable_reason) = channels.open(upstream, &method.service)?;
            let route = Route {
                method: method.clone(),
                channel,
                unavailable_reason,
                cookies: config.cookie_paths.iter().any(|begin| path.starts_with(begin)),
                duration_max: match method.streaming {
                    true => config.stream_seconds_max,
                    false => config.server.call_seconds_max,
                },
                metrics: CallMetrics::new(&method.service, &method.name),
            };
            routes.insert(path.to_owned(), Arc::new(route));
        }
        Ok(Self(routes))
    }

    /// The method at `path`.
    pub fn get(&self, path: &str) -> Option<&Arc<Route>> {
        self.0.get(path)
    }

    /// Full names of the services with a method that is offered.
    pub fn services(&self) -> BTreeSet<&str> {
        self.0.values().map(|route| route.method.service.as_str()).collect()
    }

    /// Whether a call needs an access token somewhere.
    pub fn need_tokens(&self) -> bool {
        self.0.values().any(|route| route.method.access != Access::Public)
    }
}

/// Where `method` lives, if it may be offered.
fn upstream<'a>(upstreams: &'a [Upstream], method: &Method) -> Option<&'a Upstream> {
    match method.access {
        Access::Public | Access::Roles(_) => {
            let covering = upstreams.iter().filter(|upstream| upstream.covers(&method.service));
            covering.max_by_key(|upstream| upstream.name.len())
        }
        Access::Internal { .. } | Access::Nobody => None,
    }
}

/// One channel an upstream, whatever lives there.
struct Channels<'a> {
    methods: &'a Arc<Methods>,
    tls: Option<&'a Tls>,
    opened: HashMap<(Uri, String), (Channel, &'static str)>,
}

impl Channels<'_> {
    fn open(
        &mut self,
        upstream: &Upstream,
        service: &str,
    ) -> Result<(Channel, &'static str), BoxError> {
        let reason = unavailable_reason(service);
        let key = (upstream.url.clone(), reason);
        if let Some(opened) = self.opened.get(&key) {
            return Ok(opened.clone());
        }
        // Kept for as long as the process lives, as the routes are.
        let reason: &'static str = key.1.clone().leak();
        let channel = Channel::connect(Target {
            url: upstream.url.clone(),
            unavailable_reason: reason,
            tls: self.tls.cloned(),
            methods: self.methods.clone(),
        })?;
        self.opened.insert(key, (channel.clone(), reason));
        Ok((channel, reason))
    }
}

/// `shop.user.v1.UserService` is down: `USER_SVC_UNAVAILABLE`.
fn unavailable_reason(service: &str) -> String {
    let mut segments = service.split('.');
    let first = segments.next().unwrap_or_default();
    let domain = segments.next().unwrap_or(first);
    format!("{}_SVC_UNAVAILABLE", domain.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_the_second_segment_of_the_package() {
        for (service, reason) in [
            ("shop.user.v1.UserService", "USER_SVC_UNAVAILABLE"),
            ("echo.Echo", "ECHO_SVC_UNAVAILABLE"),
            ("Echo", "ECHO_SVC_UNAVAILABLE"),
        ] {
            assert_eq!(unavailable_reason(service), reason);
        }
    }
}
