//! WatchStock: subscriptions to the stock states of products for sale.

use mesh::boot::Process;
use mesh_data::{
    database::{Database, convert_error},
    subscription::Hub,
};

use crate::{
    db::products as db,
    product::{ProductId, StockState},
};

/// Starts to read stock states for all subscriptions of this replica.
pub(crate) fn watch_stock_states(
    process: &Process,
    database: Database,
) -> Hub<ProductId, StockState> {
    Hub::start(process, "stock states", move |ids: Vec<ProductId>| {
        let database = database.clone();
        async move {
            let mut connection = database.connection().await?;
            db::find_stock_states(&mut connection, &ids).await.map_err(convert_error)
        }
    })
}
