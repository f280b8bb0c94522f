//! Reads all orders that match a filter, as fast as the client reads them: memory is that
//! of one page, and no transaction outlives it.

use futures::{Stream, stream};

use super::{
    Order,
    filter::{Cursor, OrderFilter},
};
use crate::{App, db::orders as db, error::Error};

const PAGE_SIZE: i64 = 200;

/// Returns the orders that match `filter`, page by page. The first page is there even if
/// it is empty.
pub(crate) fn export_orders(
    app: App,
    filter: OrderFilter,
) -> impl Stream<Item = Result<Vec<Order>, Error>> + Send + 'static {
    stream::try_unfold(Some(None), move |cursor: Option<Option<Cursor>>| {
        let (app, filter) = (app.clone(), filter.clone());
        async move {
            let Some(cursor) = cursor else { return Ok(None) };
            let mut connection = app.database.connection().await?;
            let orders =
                db::list_all_orders(&mut connection, &filter, cursor.as_ref(), PAGE_SIZE).await?;
            let last = orders.last().filter(|_| orders.len() as i64 == PAGE_SIZE);
            let next = last.map(|last| Some(Cursor::after(last)));
            Ok(Some((orders, next)))
        }
    })
}
