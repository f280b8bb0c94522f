//! Statistics of deliveries.

use crate::{App, db::deliveries as db, delivery::DeliveryStatistics, error::Error};

/// Returns the number of mails in each state.
pub(crate) async fn get_delivery_statistics(app: &App) -> Result<DeliveryStatistics, Error> {
    let mut connection = app.database.connection().await?;
    Ok(db::statistics(&mut connection).await?)
}
