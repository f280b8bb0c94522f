//! Errors of notify-svc, with their gRPC codes, reasons and details.

use std::collections::HashMap;

use mesh::error::ServiceError;
use tonic::Code;
use tonic_types::ErrorDetails;

use crate::notification::NotificationId;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no such mail")]
    NotificationNotFound { id: NotificationId },
    #[error("the mail {}", describe_not_resendable(*.is_pending))]
    NotificationNotResendable { id: NotificationId, is_pending: bool },
    #[error(transparent)]
    Mesh(#[from] mesh::Error),
}

mesh_data::convert_errors!(Error);

fn describe_not_resendable(is_pending: bool) -> &'static str {
    if is_pending { "is still pending" } else { "has no content any more" }
}

impl ServiceError for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotificationNotFound { .. } => Code::NotFound,
            Self::NotificationNotResendable { .. } => Code::FailedPrecondition,
            Self::Mesh(error) => error.code(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotificationNotFound { .. } => "NOTIFICATION_NOT_FOUND",
            Self::NotificationNotResendable { .. } => "NOTIFICATION_NOT_RESENDABLE",
            Self::Mesh(error) => error.reason(),
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::NotificationNotFound { id } | Self::NotificationNotResendable { id, .. } => {
                HashMap::from([("notification_id".to_owned(), id.to_string())])
            }
            Self::Mesh(error) => error.metadata(),
        }
    }

    fn describe(&self, details: &mut ErrorDetails) {
        match self {
            Self::NotificationNotFound { id } => {
                details.set_resource_info("notification", id.to_string(), "", "no such mail");
            }
            Self::NotificationNotResendable { id, is_pending } => {
                details.add_precondition_failure_violation(
                    "NOTIFICATION_NOT_RESENDABLE",
                    id.to_string(),
                    describe_not_resendable(*is_pending),
                );
            }
            Self::Mesh(error) => error.describe(details),
        }
    }
}
