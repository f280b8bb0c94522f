//! The services by name. A test of devstack compares this list with devstack's table.

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    name: &'static str,
    database: Option<&'static str>,
}

const SERVICES: [Service; 5] = [
    Service { name: "user-svc", database: Some("users") },
    Service { name: "product-svc", database: Some("products") },
    Service { name: "order-svc", database: Some("orders") },
    Service { name: "notify-svc", database: Some("notifications") },
    Service { name: "gateway", database: None },
];

impl Service {
    /// Returns all services.
    pub fn all() -> impl Iterator<Item = Self> {
        SERVICES.into_iter()
    }

    /// Returns the services that have a database.
    pub fn with_database() -> impl Iterator<Item = Self> {
        Self::all().filter(|service| service.database().is_some())
    }

    /// Returns the name of its certificate: `order-svc`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Returns the name of its database, and of the role that owns it.
    pub fn database(self) -> Option<&'static str> {
        self.database
    }
}
