//! Errors of order-svc, and how a client sees them.

use std::collections::HashMap;

use mesh::error::ServiceError;
use tonic::{Code, Status};
use tonic_types::ErrorDetails;

use crate::order::{OrderId, OrderState};

/// An error of an operation.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the texts document the variants")]
pub enum Error {
    #[error("there is no such order")]
    OrderNotFound { order_id: OrderId },
    #[error("the order can no longer be cancelled")]
    OrderNotCancellable { order_id: OrderId, state: OrderState },
    #[error("the order cannot be shipped")]
    OrderNotShippable { order_id: OrderId, state: OrderState },
    #[error("the request_id was used for another request")]
    RequestIdReused,
    #[error("the checkout is abandoned")]
    CheckoutAbandoned,
    #[error("verify the email address of the account before you place more orders")]
    UnverifiedLimit,
    /// product-svc rejected the checkout. The client gets its status unchanged.
    #[error("{}", .0.message())]
    Rejected(Status),
    #[error(transparent)]
    Mesh(#[from] mesh::Error),
}

mesh_data::convert_errors!(Error);

impl ServiceError for Error {
    fn code(&self) -> Code {
        match self {
            Self::OrderNotFound { .. } => Code::NotFound,
            Self::OrderNotCancellable { .. } | Self::OrderNotShippable { .. } => {
                Code::FailedPrecondition
            }
            Self::RequestIdReused => Code::InvalidArgument,
            Self::CheckoutAbandoned => Code::Aborted,
            Self::UnverifiedLimit => Code::ResourceExhausted,
            Self::Rejected(status) => status.code(),
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
            Self::UnverifiedLimit => "RATE_LIMITED",
            // No client sees it: the status of product-svc has its own reason.
            Self::Rejected(_) => "REJECTED",
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
            Self::RequestIdReused
            | Self::CheckoutAbandoned
            | Self::UnverifiedLimit
            | Self::Rejected(_) => Vec::new(),
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
            Self::RequestIdReused
            | Self::CheckoutAbandoned
            | Self::UnverifiedLimit
            | Self::Rejected(_) => {}
        }
    }

    fn forwarded(&self) -> Option<&Status> {
        match self {
            Self::Rejected(status) => Some(status),
            Self::Mesh(error) => error.forwarded(),
            Self::OrderNotFound { .. }
            | Self::OrderNotCancellable { .. }
            | Self::OrderNotShippable { .. }
            | Self::RequestIdReused
            | Self::CheckoutAbandoned
            | Self::UnverifiedLimit => None,
        }
    }
}
