//! The errors of product-svc, with their data.

use std::collections::HashMap;

use mesh::error::{ServiceError, detail};
use prost_types::Any;
use proto::{money::from_minor, product::v1::StockShortage};
use tonic::Code;
use tonic_types::ErrorDetails;

use crate::product::ProductId;

/// A product with less available stock than requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    pub product_id: ProductId,
    pub requested: i32,
    pub available: i32,
}

/// The conditions that make an operation fail.
#[derive(Debug, thiserror::Error)]
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
    PriceChanged { total_minor: i64, currency: String },
    #[error("the checkout was abandoned")]
    CheckoutAbandoned,
    #[error(transparent)]
    Mesh(#[from] mesh::Error),
}

mesh_data::convert_errors!(Error);

impl Error {
    /// Reports that no product has this id, slug or SKU.
    pub(crate) fn product_not_found(key: impl ToString) -> Self {
        Self::ProductNotFound { keys: vec![key.to_string()] }
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
            Self::PriceChanged { total_minor, currency } => {
                let total = from_minor(*total_minor, currency);
                vec![
                    ("currency_code", total.currency_code),
                    ("total_units", total.units.to_string()),
                    ("total_nanos", total.nanos.to_string()),
                ]
            }
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
                    "differs from the current total",
                );
            }
            Self::ProductNotFound { keys } => {
                details.set_resource_info("product", keys.join(","), "", "not for sale");
            }
            Self::SkuTaken { .. }
            | Self::SlugTaken { .. }
            | Self::StaleEtag { .. }
            | Self::RequestIdReused
            | Self::StockHeld { .. }
            | Self::CheckoutAbandoned => {}
            Self::Mesh(error) => error.describe(details),
        }
    }

    fn contract_details(&self) -> Vec<Any> {
        let Self::OutOfStock { shortages } = self else { return Vec::new() };
        let details = shortages.iter().map(|shortage| StockShortage {
            product_id: shortage.product_id.to_string(),
            requested: shortage.requested,
            available: shortage.available,
        });
        details.map(|shortage| detail(&shortage)).collect()
    }
}
