//! The routes of the gateway: every method of the descriptors that has an access option, is not
//! internal and has an upstream. Built once, without a method name in the code.

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
    request_body::BodyLimit,
    tls::Tls,
};

use crate::config::{Config, Upstream};

/// A routed method, with everything about its calls that is the same for all of them.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) channel: Channel,
    /// `reason` of the error while the upstream is down.
    pub(crate) unavailable_reason: &'static str,
    /// Whether cookies pass.
    pub(crate) cookies: bool,
    pub(crate) duration_max: Duration,
    pub(crate) body_limit: BodyLimit,
    pub(crate) metrics: CallMetrics,
}

impl Route {
    /// Returns whether a call with an unknown outcome may be retried.
    pub(crate) fn may_retry(&self) -> bool {
        self.method.idempotent && !self.method.streaming
    }
}

/// All routes by path.
pub(crate) struct Routes(HashMap<String, Arc<Route>>);

impl Routes {
    /// Creates the routes of `methods` to the upstreams of `config`.
    ///
    /// # Errors
    /// An `https` upstream without certificates.
    pub(crate) fn new(
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
                duration_max: if method.streaming {
                    config.stream_seconds_max
                } else {
                    config.server.call_seconds_max
                },
                body_limit: BodyLimit::of(
                    method,
                    config.server.request_bytes_default,
                    config.request_bytes_max,
                ),
                metrics: CallMetrics::new(&method.service, &method.name),
            };
            routes.insert(path.to_owned(), Arc::new(route));
        }
        Ok(Self(routes))
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Arc<Route>> {
        self.0.get(path)
    }

    /// Returns the full names of the services with a route.
    pub(crate) fn services(&self) -> BTreeSet<&str> {
        self.0.values().map(|route| route.method.service.as_str()).collect()
    }

    /// Returns whether any method needs an access token.
    pub(crate) fn need_tokens(&self) -> bool {
        self.0.values().any(|route| route.method.access != Access::Public)
    }
}

/// Returns the most specific upstream that covers `method`; `None` for a method that clients may
/// not call.
fn upstream<'a>(upstreams: &'a [Upstream], method: &Method) -> Option<&'a Upstream> {
    match method.access {
        Access::Public | Access::Roles(_) => {
            let covering = upstreams.iter().filter(|upstream| upstream.covers(&method.service));
            covering.max_by_key(|upstream| upstream.name.len())
        }
        Access::Internal { .. } | Access::Nobody => None,
    }
}

/// One channel for each upstream, shared by its routes.
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
        // Leaked once per upstream: the routes live as long as the process.
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

/// Returns the reason of the error while `service` is down, such as `USER_SVC_UNAVAILABLE` for
/// `shop.user.v1.UserService`.
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
