//! What goes wrong in order-svc, as facts with their data.

use std::collections::HashMap;

use mesh::error::{ServiceError, status};
use tonic::{Code, Status};
use tonic_types::ErrorDetails;

use crate::order::{OrderId, OrderState};

/// What goes wrong in order-svc.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Error {
    #[error("there is no such order")]
    OrderNotFound { order_id: OrderId },
    #[error("the order can no longer be cancelled")]
    OrderNotCancellable { order_id: OrderId, state: OrderState },
    #[error("the order cannot be shipped")]
    OrderNotShippable { order_id: OrderId, state: OrderState },
    #[error("the request_id was used for another request")]
    RequestIdReused,
    #[error("the checkout was given up")]
    CheckoutAbandoned,
    /// What product-svc told, for the client as it is.
    #[error("{}", .0.message())]
    Refused(Status),
    #[error(transparent)]
    Mesh(#[from] mesh::Error),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Mesh(mesh_data::database::convert_error(error))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(status) => status,
            error => status(&error),
        }
    }
}

impl ServiceError for Error {
    fn code(&self) -> Code {
        match self {
            Self::OrderNotFound { .. } => Code::NotFound,
            Self::OrderNotCancellable { .. } | Self::OrderNotShippable { .. } => {
                Code::FailedPrecondition
            }
            Self::RequestIdReused => Code::InvalidArgument,
            Self::CheckoutAbandoned => Code::Aborted,
            Self::Refused(status) => status.code(),
            Self::Mesh(error) => error.code(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::OrderNotFound { .. } => "ORDER_NOT_FOUND",
            Self::OrderNotCancellable { .. } => "ORDER_NOT_CANCELLABLE",
            Self::OrderNotShippable { .. } => "ORDER_NOT_SHIPPABLE",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::CheckoutAbandoned => "CHECKOUT_ABANDONED",
            Self::Refused(_) => "REFUSED",
            Self::Mesh(error) => error.reason(),
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let pairs: Vec<(&str, String)> = match self {
            Self::OrderNotFound { order_id } => vec![("order_id", order_id.to_string())],
            Self::OrderNotCancellable { order_id, state }
            | Self::OrderNotShippable { order_id, state } => {
                vec![("order_id", order_id.to_string()), ("state", state.as_str().to_owned())]
            }
            Self::RequestIdReused | Self::CheckoutAbandoned | Self::Refused(_) => Vec::new(),
            Self::Mesh(error) => return error.metadata(),
        };
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn describe(&self, details: &mut ErrorDetails) {
        match self {
            Self::OrderNotFound { order_id } => {
                details.set_resource_info("order", order_id.to_string(), "", "not found");
            }
            Self::OrderNotCancellable { order_id, state }
            | Self::OrderNotShippable { order_id, state } => {
                let description = format!("it is {}", state.as_str());
                details.add_precondition_failure_violation(
                    "ORDER_STATE",
                    order_id.to_string(),
                    description,
                );
            }
            Self::Mesh(error) => error.describe(details),
            Self::RequestIdReused | Self::CheckoutAbandoned | Self::Refused(_) => {}
        }
    }
}
