//! What order-svc asks of others.

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
    order::{Basket, Fingerprint, LineItem, OrderId, ProductId, total_minor},
};

/// What product-svc refuses a checkout with: for the client as it is.
const REFUSALS: [&str; 5] = [
    "OUT_OF_STOCK",
    "PRODUCT_NOT_FOUND",
    "PRICE_CHANGED",
    "REQUEST_ID_REUSED",
    "CHECKOUT_ABANDONED",
];

/// `reason` where product-svc is not there.
pub const PRODUCT_SVC_UNAVAILABLE: &str = "PRODUCT_SVC_UNAVAILABLE";

/// Stock that product-svc holds for a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The items as sold, in the order asked.
    pub items: Vec<LineItem>,
    /// Sum of price × quantity, in minor units.
    pub total_minor: i64,
    /// Whether the hold was there before.
    pub known: bool,
}

/// Asks product-svc to hold stock. Cheap to clone.
#[derive(Clone)]
pub struct Reservations {
    client: pb::reservation_service_client::ReservationServiceClient<Channel>,
    currency: std::sync::Arc<str>,
}

impl Reservations {
    /// Asks over `product_svc`.
    pub fn new(product_svc: Channel, currency: std::sync::Arc<str>) -> Self {
        let client = pb::reservation_service_client::ReservationServiceClient::new(product_svc);
        Self { client, currency }
    }

    /// Holds the stock of all items of `basket`, or none.
    ///
    /// # Errors
    /// A refusal, as product-svc tells it; or, as UNAVAILABLE or DEADLINE_EXCEEDED, that
    /// the outcome is open. What cannot be read is never a refusal.
    pub async fn reserve_stock(
        &self,
        id: OrderId,
        fingerprint: Fingerprint,
        basket: &Basket,
    ) -> Result<Hold, Error> {
        let items = basket.items.iter().map(|(product_id, quantity)| pb::ReserveStockItem {
            product_id: product_id.to_string(),
            quantity: *quantity,
        });
        let expected = basket.expected_total_minor;
        let request = pb::ReserveStockRequest {
            order_id: id.to_string(),
            fingerprint: fingerprint.0.to_vec(),
            items: items.collect(),
            expected_total: expected.map(|minor| from_minor(minor, &self.currency)),
        };
        let response = self.client.clone().reserve_stock(request).await.map_err(refusal)?;
        let response = response.into_inner();
        let hold = read_hold(&response, basket, &self.currency);
        hold.ok_or_else(|| unavailable("its answer is not about what was asked"))
    }
}

/// The hold that a response tells of; none where it is not about `basket`.
fn read_hold(response: &pb::ReserveStockResponse, basket: &Basket, currency: &str) -> Option<Hold> {
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
    let told = items.iter().map(|item| (item.product_id, item.quantity));
    if !told.eq(basket.items.iter().copied()) {
        return None;
    }
    let total_minor = total_minor(&items)?;
    Some(Hold { items, total_minor, known: response.known })
}

fn refusal(status: Status) -> Error {
    let info = status.get_details_error_info();
    let told = info.filter(|info| info.domain == DOMAIN);
    let is_refusal = told.is_some_and(|info| REFUSALS.contains(&info.reason.as_str()));
    match status.code() {
        // Without the metadata that came with it, which is about that hop.
        code if is_refusal => {
            let details = status.details().to_vec().into();
            Error::Refused(Status::with_details(code, status.message(), details))
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
    use crate::order::Address;
    use mesh::error::ServiceError;
    use tonic_types::ErrorDetails;

    fn told(code: Code, reason: &str, domain: &str) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, domain, std::collections::HashMap::new());
        details.add_precondition_failure_violation(reason, "subject", "description");
        Status::with_error_details(code, "told", details)
    }

    #[test]
    fn a_refusal_goes_to_the_client_as_it_is_and_nothing_else_is_one() {
        let refused = refusal(told(Code::FailedPrecondition, "OUT_OF_STOCK", DOMAIN));
        let status = Status::from(refused);
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.get_details_precondition_failure().is_some());

        for (status, reason) in [
            (told(Code::FailedPrecondition, "OUT_OF_STOCK", "elsewhere"), PRODUCT_SVC_UNAVAILABLE),
            (told(Code::Internal, "INTERNAL", DOMAIN), PRODUCT_SVC_UNAVAILABLE),
            (told(Code::InvalidArgument, "VALIDATION_FAILED", DOMAIN), PRODUCT_SVC_UNAVAILABLE),
            (told(Code::ResourceExhausted, "OVERLOADED", DOMAIN), PRODUCT_SVC_UNAVAILABLE),
            (Status::aborted("no details"), PRODUCT_SVC_UNAVAILABLE),
            (told(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", DOMAIN), "DEADLINE_EXCEEDED"),
        ] {
            assert_eq!(refusal(status).reason(), reason);
        }
    }

    #[test]
    fn an_answer_about_something_else_is_no_hold() {
        let product_id = ProductId(Uuid::from_bytes([1; 16]));
        let text = String::new;
        let basket = Basket {
            items: vec![(product_id, 2)],
            shipping_address: Address {
                full_name: text(),
                street: text(),
                city: text(),
                postal_code: text(),
                country_code: text(),
            },
            expected_total_minor: None,
        };
        let item = |quantity, currency| pb::ReservedItem {
            product_id: product_id.to_string(),
            name: "Cup".into(),
            quantity,
            price: Some(from_minor(250, currency)),
        };
        let hold = |items| {
            let response = pb::ReserveStockResponse { items, total: None, known: true };
            read_hold(&response, &basket, "EUR").map(|hold| (hold.total_minor, hold.known))
        };
        assert_eq!(hold(vec![item(2, "EUR")]), Some((500, true)));
        assert_eq!(hold(vec![item(1, "EUR")]), None);
        assert_eq!(hold(vec![item(2, "USD")]), None);
        assert_eq!(hold(vec![]), None);
        assert_eq!(hold(vec![item(2, "EUR"), item(2, "EUR")]), None);
    }
}
