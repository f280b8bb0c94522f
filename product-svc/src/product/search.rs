//! Typo-tolerant search: finds words of the catalogue also where one letter is missing, doubled,
//! swapped or wrong, and lists the best kinds of match first.
//!
//! Searches have connections of their own, a bounded queue and a time limit, so that they never
//! hold up a checkout.

use std::{sync::Arc, time::Duration};

use mesh::deadline;
use mesh_data::{
    database::{Body, Connection, Database},
    page::{Listed, Page},
};
use tokio::sync::Semaphore;

use crate::{
    App,
    db::{products, search as db},
    error::Error,
    product::{Product, ProductCursor, ProductFilter, query::SearchQuery},
};

/// Longest duration of one statement of a search.
const STATEMENT_DURATION_MAX: Duration = Duration::from_millis(200);
/// Most searches in flight per connection, the one that uses it included.
const SEARCHES_PER_CONNECTION_MAX: usize = 8;

/// The database by connections for searches alone, and the bounded queue of those. Cheap to clone.
///
/// **Invariant:** a search beyond the queue is rejected at once, so that a flood of searches leaves
/// the call permits that all methods share to the other methods.
#[derive(Clone)]
pub(crate) struct SearchDatabase {
    database: Database,
    queue: Arc<Semaphore>,
}

impl SearchDatabase {
    /// Creates the queue of `database`, whose pool has `connections_max` connections.
    pub fn new(database: Database, connections_max: usize) -> Self {
        let queue = Semaphore::new(connections_max * SEARCHES_PER_CONNECTION_MAX);
        Self { database, queue: Arc::new(queue) }
    }

    /// Runs `body`, which begins with [`begin`], in one transaction.
    ///
    /// # Errors
    /// OVERLOADED if the queue is full or a statement takes too long; or the error of `body` or of
    /// the database.
    pub async fn transaction<T, F>(&self, body: F) -> Result<T, Error>
    where
        F: for<'c> Body<'c, T, Error>,
    {
        let _place = self.queue.try_acquire().map_err(|_| mesh::Error::Overloaded)?;
        self.database.transaction(body).await.map_err(convert_timeout)
    }
}

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
fn convert_timeout(error: Error) -> Error {
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
    let listed = app.search_database.transaction(async |connection| {
        let cursor = page.cursor.as_ref();
        let Some(query) = begin(connection, &filter.query).await? else {
            let products = products::list_products(connection, filter, None, cursor, page.limit());
            return Ok(page.finish(products.await?, ProductCursor::after));
        };
        let mut found = Vec::new();
        let first = cursor.map_or(0, |cursor| cursor.match_kind);
        for kind in query.kinds(first.into()) {
            let cursor = cursor.filter(|cursor| cursor.match_kind == kind as u8);
            let limit = page.limit() - found.len() as i64;
            found.extend(db::list_matches(connection, &query, kind, filter, cursor, limit).await?);
            if found.len() as i64 == page.limit() {
                break;
            }
        }
        // Of the matches alone: a product that is archived meanwhile does not end the list.
        let Listed { items, next_page_token } = page.finish(found, ProductCursor::clone);
        let ids: Vec<_> = items.iter().map(|cursor| cursor.id).collect();
        let mut products = products::find_products_for_sale(connection, &ids).await?;
        products.sort_by_key(|product| ids.iter().position(|id| *id == product.id));
        Ok::<_, Error>(Listed { items: products, next_page_token })
    });
    listed.await
}
