//! ReserveStock, the first step of a checkout. Requests that arrive together are decided and
//! written in one transaction: group commit.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use mesh_data::{database::Connection, failpoint, group_commit::GroupCommit};

use crate::{
    App,
    db::{inventory, products, reservations as db},
    error::Error,
    inventory::{OrderId, Stock},
    product::{CurrentPrices, ProductId},
    reservation::{Reservation, ReservationRequest, ReservedItem, ReservedStock, hold},
};

/// Most requests of one transaction.
const BATCH_SIZE_MAX: usize = 256;

/// The answer to one request of a batch. `None`: it must be submitted again, because an earlier
/// request of the batch for the same order was rejected.
type Answer = Option<Result<ReservedStock, Error>>;

/// Holds stock for checkouts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ReservationWriter(GroupCommit<ReservationRequest, Answer, Error>);

impl ReservationWriter {
    /// Starts the group commit.
    pub fn start(app: App) -> Self {
        let app = App { database: app.database.dedicated(), ..app };
        let write = move |requests: Arc<[ReservationRequest]>| {
            let app = app.clone();
            async move {
                let batch = Batch { requests: &requests, currency: &app.currency };
                let written =
                    app.database.transaction(async |connection| batch.write(connection).await);
                let Written { answers, stock_states_changed } = written.await?;
                failpoint::hit("stock-reserved");
                if stock_states_changed {
                    app.lists.invalidate();
                }
                Ok(answers)
            }
        };
        Self(GroupCommit::new("reserve", BATCH_SIZE_MAX, write))
    }

    /// Holds the stock of all items of `request`.
    ///
    /// # Errors
    /// A rejection, which stores nothing, or an error that leaves the outcome unknown.
    pub async fn reserve(&self, request: ReservationRequest) -> Result<ReservedStock, Error> {
        loop {
            if let Some(answer) = self.0.submit(request.clone()).await? {
                return answer;
            }
        }
    }
}

/// The result of a batch.
struct Written {
    /// In the order of the requests.
    answers: Vec<Answer>,
    stock_states_changed: bool,
}

/// Items at current prices, or the reason why they are not for sale, by the index of the request.
type PricedItems = HashMap<usize, Result<Vec<ReservedItem>, Error>>;

struct Batch<'a> {
    requests: &'a [ReservationRequest],
    currency: &'a str,
}

impl Batch<'_> {
    /// Decides the requests in order of arrival, each whole or not at all.
    ///
    /// **Invariant:** locks are taken on reservations in order of order id, then on stock in order
    /// of product id, so that batches of two replicas never deadlock.
    async fn write(&self, connection: &mut Connection) -> Result<Written, Error> {
        let ids = self.requests.iter().flat_map(|r| r.items.iter().map(|(id, _)| *id));
        // Prices and stock are read before reservations. So stock that is short was short before
        // any reservation of this order, and the rejection writes nothing.
        let prices = products::find_current_prices(connection, &sorted(ids)).await?;
        let order_ids: Vec<_> = self.requests.iter().map(|request| request.order_id).collect();
        let mut existing = by_order(db::find_reservations(connection, &order_ids).await?);
        let priced = self.price_new(&prices, &existing);

        // The reservation is inserted before stock is decided: if another replica has just
        // inserted it, the request is a replay of that one, at its prices.
        let candidates = self.candidates(&priced);
        let inserted = db::insert_reservations(connection, &candidates).await?;
        let (new, elsewhere): (Vec<_>, Vec<_>) =
            candidates.iter().partition(|candidate| inserted.contains(&candidate.order_id));
        if !elsewhere.is_empty() {
            let ids: Vec<_> = elsewhere.iter().map(|reservation| reservation.order_id).collect();
            existing.extend(by_order(db::find_reservations(connection, &ids).await?));
        }

        let mut stock = lock_stock(connection, &new).await?;
        let before = stock.clone();
        let (answers, rejected) = self.decide(existing, priced, &mut stock);
        if !rejected.is_empty() {
            db::delete_reservations(connection, &rejected).await?;
        }
        stock.retain(|id, stock| before.get(id) != Some(stock));
        inventory::update_stock(connection, &stock).await?;
        let mut changed = stock.iter();
        let stock_states_changed = changed.any(|(id, stock)| stock.state() != before[id].state());
        Ok(Written { answers, stock_states_changed })
    }

    /// Prices the items of the first request of each order without a reservation.
    fn price_new(
        &self,
        prices: &CurrentPrices,
        existing: &HashMap<OrderId, Reservation>,
    ) -> PricedItems {
        let mut seen = HashSet::new();
        let requests = self.requests.iter().enumerate();
        let new = requests
            .filter(|(_, r)| !existing.contains_key(&r.order_id) && seen.insert(r.order_id));
        new.map(|(i, request)| (i, request.price_items(prices, self.currency))).collect()
    }

    /// Returns the reservations to insert, in order of order id.
    fn candidates(&self, priced: &PricedItems) -> Vec<Reservation> {
        let items = priced.iter().filter_map(|(&i, items)| Some((i, items.as_ref().ok()?)));
        let rows = items.map(|(i, items)| self.requests[i].reservation(items.clone()));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|row| row.order_id);
        rows
    }

    /// Returns the answers, and the orders whose inserted reservations were rejected.
    fn decide(
        &self,
        mut existing: HashMap<OrderId, Reservation>,
        mut priced: PricedItems,
        stock: &mut BTreeMap<ProductId, Stock>,
    ) -> (Vec<Answer>, Vec<OrderId>) {
        let mut rejected = Vec::new();
        let mut decide = |i: usize, request: &ReservationRequest| {
            if let Some(reservation) = existing.get(&request.order_id) {
                return Some(request.replay(reservation));
            }
            let items = match priced.remove(&i)? {
                Ok(items) => items,
                Err(rejection) => return Some(Err(rejection)),
            };
            if let Err(rejection) = hold(stock, &items) {
                rejected.push(request.order_id);
                return Some(Err(rejection));
            }
            existing.insert(request.order_id, request.reservation(items.clone()));
            Some(ReservedStock::new(items, false))
        };
        let requests = self.requests.iter().enumerate();
        let answers = requests.map(|(i, request)| decide(i, request)).collect();
        (answers, rejected)
    }
}

/// Locks the stock of the items of `reservations`.
async fn lock_stock(
    connection: &mut Connection,
    reservations: &[&Reservation],
) -> Result<BTreeMap<ProductId, Stock>, Error> {
    let items = reservations.iter().flat_map(|reservation| &reservation.items);
    let ids = sorted(items.map(|item| item.product_id));
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(inventory::lock_stock(connection, &ids).await?)
}

fn sorted(ids: impl Iterator<Item = ProductId>) -> Vec<ProductId> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort();
    ids.dedup();
    ids
}

fn by_order(reservations: Vec<Reservation>) -> HashMap<OrderId, Reservation> {
    reservations.into_iter().map(|reservation| (reservation.order_id, reservation)).collect()
}
