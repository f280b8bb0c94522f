//! Calls of product-svc.

use std::sync::Arc;

use mesh::{channel::Channel, error::DOMAIN};
use proto::{
    money::{from_minor, to_minor},
    product::v1 as pb,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::{
    error::Error,
    order::{Fingerprint, LineItem, OrderId, OrderRequest, ProductId, total_minor},
};

/// The reasons by which product-svc rejects a checkout. The client gets its status
/// unchanged.
const REJECTIONS: [&str; 5] = [
    "OUT_OF_STOCK",
    "PRODUCT_NOT_FOUND",
    "PRICE_CHANGED",
    "REQUEST_ID_REUSED",
    "CHECKOUT_ABANDONED",
];

/// `reason` while product-svc is down.
pub(crate) const PRODUCT_SVC_UNAVAILABLE: &str = "PRODUCT_SVC_UNAVAILABLE";

/// Stock that product-svc holds for a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The items with name and price, in the order of the request.
    pub(crate) items: Vec<LineItem>,
    /// The total of `items`.
    pub(crate) total_minor: i64,
    /// Whether an earlier attempt made the hold.
    pub(crate) already_existed: bool,
}

/// The reservations at product-svc. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reservations {
    client: pb::reservation_service_client::ReservationServiceClient<Channel>,
    currency: Arc<str>,
}

impl Reservations {
    pub(crate) fn new(product_svc: Channel, currency: Arc<str>) -> Self {
        let client = pb::reservation_service_client::ReservationServiceClient::new(product_svc);
        Self { client, currency }
    }

    /// Holds the stock of all items of `order`, or of none.
    ///
    /// # Errors
    /// A rejection, as product-svc responds; or UNAVAILABLE or DEADLINE_EXCEEDED: the
    /// outcome is unknown. An unreadable response is never a rejection.
    pub(crate) async fn reserve_stock(
        &self,
        id: OrderId,
        fingerprint: Fingerprint,
        order: &OrderRequest,
    ) -> Result<Hold, Error> {
        let items = order.items.iter().map(|(product_id, quantity)| pb::ReserveStockItem {
            product_id: product_id.to_string(),
            quantity: *quantity,
        });
        let expected = order.expected_total_minor;
        let request = pb::ReserveStockRequest {
            order_id: id.to_string(),
            fingerprint: fingerprint.0.to_vec(),
            items: items.collect(),
            expected_total: expected.map(|minor| from_minor(minor, &self.currency)),
        };
        let response = self.client.clone().reserve_stock(request).await.map_err(to_error)?;
        let response = response.into_inner();
        let hold = read_hold(&response, order, &self.currency);
        hold.ok_or_else(|| unavailable("the response does not match the request"))
    }
}

/// Returns the hold of a response, or none if it does not match `order`.
fn read_hold(
    response: &pb::ReserveStockResponse,
    order: &OrderRequest,
    currency: &str,
) -> Option<Hold> {
    let items = response.items.iter().map(|item| {
        let price = item.price.as_ref().filter(|price| price.currency_code == currency)?;
        Some(LineItem {
            product_id: ProductId(Uuid::try_parse(&item.product_id).ok()?),
            name: item.name.clone(),
            quantity: item.quantity,
            price_minor: to_minor(price).ok().filter(|minor| *minor >= 0)?,
        })
    });
    let items: Vec<LineItem> = items.collect::<Option<_>>()?;
    let reserved = items.iter().map(|item| (item.product_id, item.quantity));
    if !reserved.eq(order.items.iter().copied()) {
        return None;
    }
    let total_minor = total_minor(&items)?;
    Some(Hold { items, total_minor, already_existed: response.known })
}

/// Converts a failure of product-svc.
fn to_error(status: Status) -> Error {
    let info = status.get_details_error_info();
    let own = info.filter(|info| info.domain == DOMAIN);
    let is_rejection = own.is_some_and(|info| REJECTIONS.contains(&info.reason.as_str()));
    match status.code() {
        // Without the response metadata, which is about that hop.
        code if is_rejection => {
            let details = status.details().to_vec().into();
            Error::Rejected(Status::with_details(code, status.message(), details))
        }
        Code::DeadlineExceeded => mesh::Error::DeadlineExceeded.into(),
        _ => unavailable(status),
    }
}

fn unavailable(source: impl Into<mesh::BoxError>) -> Error {
    mesh::Error::Unavailable { reason: PRODUCT_SVC_UNAVAILABLE, source: source.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh::error::ServiceError;
    use tonic_types::ErrorDetails;

    fn failure(code: Code, reason: &str, domain: &str) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, domain, std::collections::HashMap::new());
        details.add_precondition_failure_violation(reason, "subject", "description");
        Status::with_error_details(code, "failure", details)
    }

    #[test]
    fn a_rejection_is_forwarded_unchanged_and_any_other_failure_is_not() {
        let rejected = to_error(failure(Code::FailedPrecondition, "OUT_OF_STOCK", DOMAIN));
        let status = Status::from(rejected);
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.get_details_precondition_failure().is_some());

        for (status, reason) in [
            (
                failure(Code::FailedPrecondition, "OUT_OF_STOCK", "elsewhere"),
                PRODUCT_SVC_UNAVAILABLE,
            ),
            (failure(Code::Internal, "INTERNAL", DOMAIN), PRODUCT_SVC_UNAVAILABLE),
            (failure(Code::InvalidArgument, "VALIDATION_FAILED", DOMAIN), PRODUCT_SVC_UNAVAILABLE),
            (failure(Code::ResourceExhausted, "OVERLOADED", DOMAIN), PRODUCT_SVC_UNAVAILABLE),
            (Status::aborted("no details"), PRODUCT_SVC_UNAVAILABLE),
            (Status::deadline_exceeded("no details"), "DEADLINE_EXCEEDED"),
        ] {
            assert_eq!(to_error(status).reason(), reason);
        }
    }

    #[test]
    fn a_response_that_does_not_match_the_request_is_no_hold() {
        let product_id = ProductId(Uuid::from_bytes([1; 16]));
        let order = OrderRequest { items: vec![(product_id, 2)], ..OrderRequest::default() };
        let item = |quantity, currency| pb::ReservedItem {
            product_id: product_id.to_string(),
            name: "Cup".into(),
            quantity,
            price: Some(from_minor(250, currency)),
        };
        let hold = |items| {
            let response = pb::ReserveStockResponse { items, total: None, known: true };
            read_hold(&response, &order, "EUR").map(|hold| (hold.total_minor, hold.already_existed))
        };
        assert_eq!(hold(vec![item(2, "EUR")]), Some((500, true)));
        assert_eq!(hold(vec![item(1, "EUR")]), None);
        assert_eq!(hold(vec![item(2, "USD")]), None);
        assert_eq!(hold(vec![]), None);
        assert_eq!(hold(vec![item(2, "EUR"), item(2, "EUR")]), None);
    }
}
