//! What goes wrong in product-svc, as facts with their data.

use std::collections::HashMap;

use mesh::error::{ServiceError, status};
use tonic::{Code, Status};
use tonic_types::ErrorDetails;

use crate::product::ProductId;

/// A product of which less is available than was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The product.
    pub product_id: ProductId,
    /// How many were asked for.
    pub requested: i32,
    /// How many can be sold.
    pub available: i32,
}

/// What goes wrong in product-svc.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Error {
    #[error("there is no such product for sale")]
    ProductNotFound { keys: Vec<String> },
    #[error("SKU {sku} is in use by another product")]
    SkuTaken { sku: String },
    #[error("slug {slug} is in use by another product")]
    SlugTaken { slug: String },
    #[error("it was changed meanwhile")]
    StaleEtag { etag: String, on_hand: Option<i32> },
    #[error("the request_id was used for another request")]
    RequestIdReused,
    #[error("{on_hand} on hand would be less than the {held} that checkouts hold")]
    StockHeld { on_hand: i32, held: i32 },
    #[error("not enough in stock")]
    OutOfStock { shortages: Vec<Shortage> },
    #[error("the price has changed")]
    PriceChanged { total: proto::money::Money },
    #[error("the checkout was given up")]
    CheckoutAbandoned,
    #[error(transparent)]
    Mesh(#[from] mesh::Error),
}

impl Error {
    /// No product of this id, slug or SKU.
    pub fn product_not_found(key: impl ToString) -> Self {
        Self::ProductNotFound { keys: vec![key.to_string()] }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Mesh(mesh_data::database::convert_error(error))
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        status(&error)
    }
}

impl ServiceError for Error {
    fn code(&self) -> Code {
        match self {
            Self::ProductNotFound { .. } => Code::NotFound,
            Self::SkuTaken { .. } | Self::SlugTaken { .. } => Code::AlreadyExists,
            Self::StaleEtag { .. } | Self::CheckoutAbandoned => Code::Aborted,
            Self::RequestIdReused => Code::InvalidArgument,
            Self::StockHeld { .. } | Self::OutOfStock { .. } | Self::PriceChanged { .. } => {
                Code::FailedPrecondition
            }
            Self::Mesh(error) => error.code(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::ProductNotFound { .. } => "PRODUCT_NOT_FOUND",
            Self::SkuTaken { .. } => "SKU_TAKEN",
            Self::SlugTaken { .. } => "SLUG_TAKEN",
            Self::StaleEtag { .. } => "STALE_ETAG",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::StockHeld { .. } => "STOCK_HELD",
            Self::OutOfStock { .. } => "OUT_OF_STOCK",
            Self::PriceChanged { .. } => "PRICE_CHANGED",
            Self::CheckoutAbandoned => "CHECKOUT_ABANDONED",
            Self::Mesh(error) => error.reason(),
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let pairs: Vec<(&str, String)> = match self {
            Self::ProductNotFound { keys } => vec![("product_ids", keys.join(","))],
            Self::SkuTaken { sku } => vec![("sku", sku.clone())],
            Self::SlugTaken { slug } => vec![("slug", slug.clone())],
            Self::StaleEtag { etag, on_hand } => {
                let on_hand = on_hand.map(|on_hand| ("on_hand", on_hand.to_string()));
                [("etag", etag.clone())].into_iter().chain(on_hand).collect()
            }
            Self::StockHeld { on_hand, held } => {
                vec![("on_hand", on_hand.to_string()), ("held", held.to_string())]
            }
            Self::OutOfStock { shortages } => shortages.first().map_or_else(Vec::new, |first| {
                vec![
                    ("product_id", first.product_id.to_string()),
                    ("requested", first.requested.to_string()),
                    ("available", first.available.to_string()),
                ]
            }),
            Self::PriceChanged { total } => vec![
                ("currency_code", total.currency_code.clone()),
                ("total_units", total.units.to_string()),
                ("total_nanos", total.nanos.to_string()),
            ],
            Self::RequestIdReused | Self::CheckoutAbandoned => Vec::new(),
            Self::Mesh(error) => return error.metadata(),
        };
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn describe(&self, details: &mut ErrorDetails) {
        match self {
            Self::OutOfStock { shortages } => {
                for Shortage { product_id, requested, available } in shortages {
                    let description = format!("requested {requested}, available {available}");
                    details.add_precondition_failure_violation(
                        "OUT_OF_STOCK",
                        product_id.to_string(),
                        description,
                    );
                }
            }
            Self::PriceChanged { .. } => {
                details.add_precondition_failure_violation(
                    "PRICE_CHANGED",
                    "expected_total",
                    "differs from the total of now",
                );
            }
            Self::ProductNotFound { keys } => {
                details.set_resource_info("product", keys.join(","), "", "not for sale");
            }
            Self::Mesh(error) => error.describe(details),
            _ => {}
        }
    }
}
