//! Typo-tolerant search: finds words of the catalogue also where one letter is missing, doubled,
//! swapped or wrong, and lists the best kinds of match first.
//!
//! Searches have connections of their own and a time limit, so that they never hold up a checkout.

use std::time::Duration;

use mesh::deadline;
use mesh_data::{
    database::Connection,
    page::{Listed, Page},
};

use crate::{
    App,
    db::{products, search as db},
    error::Error,
    product::{Product, ProductCursor, ProductFilter, query::SearchQuery},
};

/// Longest duration of one statement of a search.
const STATEMENT_DURATION_MAX: Duration = Duration::from_millis(200);

/// Starts a transaction that searches: bounds its statements and reads the query, with the words of
/// the catalogue that resemble those of the query. Returns `None` if the query has no word.
pub(crate) async fn begin(
    connection: &mut Connection,
    query: &str,
) -> Result<Option<SearchQuery>, Error> {
    db::prefer_indexes(connection, deadline::remaining(STATEMENT_DURATION_MAX)).await?;
    let Some(mut query) = SearchQuery::new(query) else { return Ok(None) };
    let found = db::find_similar_words(connection, &query.fuzzy_words()).await?;
    query.add_similar(&found);
    Ok(Some(query))
}

/// Reports a search that took too long as overload, unless it was the caller's deadline.
pub(crate) fn convert_timeout(error: Error) -> Error {
    let is_late = deadline::remaining(STATEMENT_DURATION_MAX).is_zero();
    match error {
        Error::Mesh(mesh::Error::DeadlineExceeded) if !is_late => mesh::Error::Overloaded.into(),
        error => error,
    }
}

/// Returns a page of the products for sale that match the query of `filter`, best kinds of match
/// first and shorter names first within a kind. If the query has no word, all products match.
pub(crate) async fn list_by_relevance(
    app: &App,
    filter: &ProductFilter,
    page: &Page<ProductCursor>,
) -> Result<Listed<Product>, Error> {
    let found = app.search_database.transaction(async |connection| {
        let cursor = page.cursor.as_ref();
        let Some(query) = begin(connection, &filter.query).await? else {
            let products = products::list_products(connection, filter, None, cursor, page.limit());
            return Ok(products.await?.into_iter().map(|product| (0, product)).collect());
        };
        let mut found = Vec::new();
        let first = cursor.map_or(0, |cursor| cursor.match_kind);
        for kind in query.kinds(first.into()) {
            let cursor = cursor.filter(|cursor| cursor.match_kind == kind as u8);
            let limit = page.limit() - found.len() as i64;
            let ids = db::list_matches(connection, &query, kind, filter, cursor, limit).await?;
            found.extend(ids.into_iter().map(|id| (kind as u8, id)));
            if found.len() as i64 == page.limit() {
                break;
            }
        }
        let ids: Vec<_> = found.iter().map(|(_, id)| *id).collect();
        let mut products = products::find_products_for_sale(connection, &ids).await?;
        let mut take = |id| {
            let at = products.iter().position(|product| product.id == id)?;
            Some(products.swap_remove(at))
        };
        let found = found.into_iter().filter_map(|(kind, id)| Some((kind, take(id)?)));
        Ok::<Vec<_>, Error>(found.collect())
    });
    let found = found.await.map_err(convert_timeout)?;
    let listed = page.finish(found, |(match_kind, product)| ProductCursor {
        match_kind: *match_kind,
        ..ProductCursor::after(product)
    });
    Ok(listed.map(|(_, product)| product))
}
