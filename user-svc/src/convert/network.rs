//! The network that a call comes from, which limits count by.

use mesh::client::network;
use tonic::Request;

use super::Result;
use crate::limit::Subject;

pub(crate) fn client_network<T>(request: &Request<T>) -> Result<Subject> {
    Ok(Subject::network(network(request)?))
}
