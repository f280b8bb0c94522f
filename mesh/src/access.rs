//! Who may call what. The method options of the descriptors are the only list; a method without an
//! access option is rejected.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, Kind, MethodDescriptor, ReflectMessage,
    Value,
};

use crate::{BoxError, error::Error, identity::Claims};

const ACCESS_OPTION: &str = "shopmesh.options.v1.access";
const CALLERS_OPTION: &str = "shopmesh.options.v1.callers";
const RESUMABLE_OPTION: &str = "shopmesh.options.v1.resumable";
const REQUEST_BYTES_OPTION: &str = "shopmesh.options.v1.request_bytes_max";

const ACCESS_PREFIX: &str = "ACCESS_";
const ACCESS_UNSPECIFIED: &str = "ACCESS_UNSPECIFIED";
const ACCESS_PUBLIC: &str = "ACCESS_PUBLIC";
const ACCESS_INTERNAL: &str = "ACCESS_INTERNAL";

/// Who may call a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anyone; tokens are ignored.
    Public,
    /// The bearer of a token with one of these roles. The lowest one is first: a role of the
    /// contract includes all that are declared before it.
    Roles(Vec<String>),
    /// The services with these certificate names.
    Internal {
        /// Certificate names.
        callers: Vec<String>,
    },
    /// Nobody: the method has no access option.
    Nobody,
}

impl Access {
    /// Returns the lowest role that may call the method, if it needs a token.
    pub fn role(&self) -> Option<&str> {
        match self {
            Self::Roles(roles) => roles.first().map(String::as_str),
            Self::Public | Self::Internal { .. } | Self::Nobody => None,
        }
    }
}

/// The options of a method in the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Full name of its service, such as `example.v1.NoteService`.
    pub service: String,
    /// Its own name, such as `CreateNote`.
    pub name: String,
    /// Who may call it.
    pub access: Access,
    /// Whether it only reads.
    pub no_side_effects: bool,
    /// Whether a call may be retried: the method only reads, or is idempotent.
    pub idempotent: bool,
    /// Whether request or response is a stream.
    pub streaming: bool,
    /// Whether the request is a stream.
    pub client_streaming: bool,
    /// Whether its stream may end with OK at any time, since a new call resumes it.
    pub resumable: bool,
    /// Most bytes of the whole request body, where the contract states it.
    pub request_bytes_max: Option<u32>,
}

/// All methods of a descriptor set by path, such as `/example.v1.NoteService/CreateNote`.
#[derive(Debug, Clone, Default)]
pub struct Methods(HashMap<String, Method>);

impl Methods {
    /// Reads an encoded `FileDescriptorSet`.
    ///
    /// # Errors
    /// Bytes that are not a descriptor set.
    pub fn read(file_descriptor_set: &[u8]) -> Result<Self, BoxError> {
        let pool = DescriptorPool::decode(file_descriptor_set)?;
        let options = Options {
            access: pool.get_extension_by_name(ACCESS_OPTION),
            callers: pool.get_extension_by_name(CALLERS_OPTION),
            resumable: pool.get_extension_by_name(RESUMABLE_OPTION),
            request_bytes_max: pool.get_extension_by_name(REQUEST_BYTES_OPTION),
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

    /// Returns the method at `path`.
    pub fn get(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }

    /// Returns all paths and methods.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Method)> {
        self.0.iter().map(|(path, method)| (path.as_str(), method))
    }
}

/// The extensions of method options, as far as the descriptors declare them.
struct Options {
    access: Option<ExtensionDescriptor>,
    callers: Option<ExtensionDescriptor>,
    resumable: Option<ExtensionDescriptor>,
    request_bytes_max: Option<ExtensionDescriptor>,
}

fn read_method(method: &MethodDescriptor, service: String, known: &Options) -> Method {
    let options = method.options();
    let idempotency = idempotency_level(&options);
    Method {
        service,
        name: method.name().to_owned(),
        access: read_access(&options, known),
        no_side_effects: idempotency.as_deref() == Some("NO_SIDE_EFFECTS"),
        idempotent: matches!(idempotency.as_deref(), Some("NO_SIDE_EFFECTS" | "IDEMPOTENT")),
        streaming: method.is_client_streaming() || method.is_server_streaming(),
        client_streaming: method.is_client_streaming(),
        resumable: extension(&options, known.resumable.as_ref()).and_then(|value| value.as_bool())
            == Some(true),
        request_bytes_max: extension(&options, known.request_bytes_max.as_ref())
            .and_then(|value| value.as_u32())
            .filter(|&bytes| bytes > 0),
    }
}

fn read_access(options: &DynamicMessage, known: &Options) -> Access {
    let Some((kind, value)) = known
        .access
        .as_ref()
        .and_then(|option| Some((option.kind(), extension(options, Some(option))?)))
    else {
        return Access::Nobody;
    };
    match enum_name(&kind, &value).as_deref() {
        Some(ACCESS_PUBLIC) => Access::Public,
        Some(ACCESS_INTERNAL) => Access::Internal { callers: read_callers(options, known) },
        Some(level) if level != ACCESS_UNSPECIFIED => roles_from(&kind, level),
        _ => Access::Nobody,
    }
}

/// Returns the role of `level` and the roles declared after it.
fn roles_from(kind: &Kind, level: &str) -> Access {
    let Kind::Enum(levels) = kind else { return Access::Nobody };
    let mut levels: Vec<_> = levels.values().map(|value| (value.number(), value)).collect();
    levels.sort_by_key(|(number, _)| *number);
    let roles = levels
        .iter()
        .map(|(_, value)| value.name())
        .skip_while(|name| *name != level)
        .filter(|name| ![ACCESS_UNSPECIFIED, ACCESS_PUBLIC, ACCESS_INTERNAL].contains(name))
        .filter_map(|name| name.strip_prefix(ACCESS_PREFIX))
        .map(str::to_lowercase);
    Access::Roles(roles.collect())
}

fn read_callers(options: &DynamicMessage, known: &Options) -> Vec<String> {
    let callers = extension(options, known.callers.as_ref());
    let callers = callers.as_ref().and_then(Value::as_list).unwrap_or_default();
    callers.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

/// Returns the value of an extension, its default where the options do not set it.
fn extension(options: &DynamicMessage, extension: Option<&ExtensionDescriptor>) -> Option<Value> {
    extension.map(|extension| options.get_extension(extension).into_owned())
}

fn idempotency_level(options: &DynamicMessage) -> Option<String> {
    let field = options.descriptor().get_field_by_name("idempotency_level")?;
    enum_name(&field.kind(), &options.get_field(&field))
}

fn enum_name(kind: &Kind, value: &Value) -> Option<String> {
    let Kind::Enum(descriptor) = kind else { return None };
    Some(descriptor.get_value(value.as_enum_number()?)?.name().to_owned())
}

impl Method {
    /// Returns whether a call leaves entries in the audit trail: the method changes something, and
    /// only the highest role may call it.
    pub fn is_audited(&self) -> bool {
        let is_highest = matches!(&self.access, Access::Roles(roles) if roles.len() == 1);
        is_highest && !self.no_side_effects
    }

    /// Checks the role of a token for a method that needs one.
    ///
    /// # Errors
    /// [`Error::RoleRequired`] or [`Error::CallerNotAllowed`].
    pub fn admit(&self, claims: &Claims) -> Result<(), Error> {
        match &self.access {
            Access::Public => Ok(()),
            Access::Roles(roles) if roles.contains(&claims.role) => Ok(()),
            access @ Access::Roles(_) => {
                Err(Error::RoleRequired { role: access.role().unwrap_or_default().to_owned() })
            }
            Access::Internal { .. } | Access::Nobody => Err(Error::CallerNotAllowed),
        }
    }

    /// Checks the certificate name of a calling service for an internal method.
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
