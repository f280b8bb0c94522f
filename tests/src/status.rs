//! The details of a status, as a client reads them.

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Returns `ErrorInfo.reason`; without details, an empty text, and without that detail, one that no
/// test expects.
pub fn reason(status: &Status) -> String {
    if status.details().is_empty() {
        return String::new();
    }
    let details = status.get_error_details();
    details.error_info().map_or_else(|| format!("no ErrorInfo in {status:?}"), |i| i.reason.clone())
}

/// Returns the code and the reason of an error.
pub fn code_and_reason(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

/// Returns `ErrorInfo.metadata` of `key`.
pub fn metadata(status: &Status, key: &str) -> Option<String> {
    status.get_error_details().error_info()?.metadata.get(key).cloned()
}

/// Returns the bad fields of a VALIDATION_FAILED, in their order.
pub fn bad_fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone());
    violations.unwrap_or_default().into_iter().map(|violation| violation.field).collect()
}
