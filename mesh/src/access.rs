//! Who may call what, read from the options of the methods in the descriptors: the
//! only list there is. A method that states nothing is refused.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor};

use crate::{
    error::{BoxError, Error},
    token::{Claims, Role},
};

const ACCESS_OPTION: &str = "shopmesh.options.v1.access";
const CALLERS_OPTION: &str = "shopmesh.options.v1.callers";
const RESUMABLE_OPTION: &str = "shopmesh.options.v1.resumable";

/// Who may call a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anyone; tokens are ignored.
    Public,
    /// Any access token.
    Customer,
    /// An access token of role admin.
    Admin,
    /// The services with these certificate names.
    Internal {
        /// Certificate names.
        callers: Vec<String>,
    },
    /// Nobody: the method states nothing.
    Nobody,
}

/// What the contract says of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Full name of its service, such as `shop.v1.OrderService`.
    pub service: String,
    /// Its own name, such as `PlaceOrder`.
    pub name: String,
    /// Who may call it.
    pub access: Access,
    /// Whether it only reads.
    pub no_side_effects: bool,
    /// Whether a call may be repeated: it only reads, or says that it is idempotent.
    pub idempotent: bool,
    /// Whether request or response is a stream.
    pub streaming: bool,
    /// Whether its stream may end well at any time: calling again resumes it.
    pub resumable: bool,
}

/// All methods of a set of descriptors by their path, such as
/// `/shop.v1.OrderService/PlaceOrder`.
#[derive(Debug, Clone, Default)]
pub struct Methods(HashMap<String, Method>);

impl Methods {
    /// Reads an encoded `FileDescriptorSet`.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn read(file_descriptor_set: &[u8]) -> Result<Self, BoxError> {
        let pool = DescriptorPool::decode(file_descriptor_set)?;
        let options = Options {
            access: pool.get_extension_by_name(ACCESS_OPTION),
            callers: pool.get_extension_by_name(CALLERS_OPTION),
            resumable: pool.get_extension_by_name(RESUMABLE_OPTION),
        };
        let methods = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| {
                let service = method.parent_service().full_name().to_owned();
                let path = format!("/{service}/{}", method.name());
                (path, read_method(&method, service, &options))
            })
            .collect();
        Ok(Self(methods))
    }

    /// What the contract says of the method at `path`.
    pub fn get(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }

    /// All paths and methods.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Method)> {
        self.0.iter().map(|(path, method)| (path.as_str(), method))
    }
}

/// The options of a method, where the descriptors have them.
struct Options {
    access: Option<ExtensionDescriptor>,
    callers: Option<ExtensionDescriptor>,
    resumable: Option<ExtensionDescriptor>,
}

fn read_method(method: &MethodDescriptor, service: String, known: &Options) -> Method {
    let options = method.options();
    let value = |option: &Option<ExtensionDescriptor>| {
        option.as_ref().map(|option| options.get_extension(option).into_owned())
    };
    let callers = value(&known.callers);
    let callers = callers.as_ref().and_then(|names| names.as_list()).unwrap_or_default();
    let callers = callers.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    let access = match value(&known.access).and_then(|access| access.as_enum_number()) {
        Some(1) => Access::Public,
        Some(2) => Access::Customer,
        Some(3) => Access::Admin,
        Some(4) => Access::Internal { callers },
        _ => Access::Nobody,
    };
    let level =
        options.get_field_by_name("idempotency_level").and_then(|value| value.as_enum_number());
    Method {
        service,
        name: method.name().to_owned(),
        access,
        no_side_effects: level == Some(1),
        idempotent: matches!(level, Some(1 | 2)),
        streaming: method.is_client_streaming() || method.is_server_streaming(),
        resumable: value(&known.resumable).and_then(|value| value.as_bool()) == Some(true),
    }
}

impl Method {
    /// Whether a bearer of `claims` may call this, one that needs a token.
    ///
    /// # Errors
    /// [`Error::RoleRequired`] or [`Error::CallerNotAllowed`].
    pub fn admit(&self, claims: &Claims) -> Result<(), Error> {
        match (&self.access, claims.role) {
            (Access::Public | Access::Customer, _) | (Access::Admin, Role::Admin) => Ok(()),
            (Access::Admin, Role::Customer) => Err(Error::RoleRequired { role: "admin" }),
            (Access::Internal { .. } | Access::Nobody, _) => Err(Error::CallerNotAllowed),
        }
    }

    /// Whether the service whose certificate has `name` may call this, one that is
    /// internal.
    ///
    /// # Errors
    /// [`Error::CallerNotAllowed`].
    pub fn admit_service(&self, name: Option<&str>) -> Result<(), Error> {
        match (&self.access, name) {
            (Access::Internal { callers }, Some(name)) if callers.iter().any(|c| c == name) => {
                Ok(())
            }
            _ => Err(Error::CallerNotAllowed),
        }
    }
}
