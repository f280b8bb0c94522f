//! ReserveStock: step 1 of a checkout. Requests that arrive together are decided and
//! written together, in one transaction.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use mesh_data::{database::Connection, group_commit::GroupCommit};

use crate::{
    App,
    db::{inventory, products, reservations as db},
    error::Error,
    inventory::Stock,
    reservation::{Held, OrderId, Reservation, ReservationState, ReserveStock, ReservedItem, hold},
};

/// Most requests that one transaction decides.
const BATCH_SIZE_MAX: usize = 256;

/// What a batch says to a request: its answer, or that it is to come again with the
/// next one, since an earlier request of the same order was refused.
type Answer = Option<Result<Held, Error>>;

/// Holds stock for checkouts. Cheap to clone.
#[derive(Clone)]
pub struct Reserving(GroupCommit<ReserveStock, Answer, Error>);

impl Reserving {
    /// Starts the writer.
    pub fn start(app: App) -> Self {
        let write = move |requests: Arc<[ReserveStock]>| {
            let app = app.clone();
            async move {
                let batch = Batch { requests: &requests, currency: &app.currency };
                let written =
                    app.database.transaction(async |connection| batch.write(connection).await);
                let Written { answers, states_moved } = written.await?;
                if states_moved {
                    app.lists.forget();
                }
                Ok(answers)
            }
        };
        Self(GroupCommit::new("reserve", BATCH_SIZE_MAX, write))
    }

    /// Holds the stock of all items of `request`, or tells why not.
    ///
    /// # Errors
    /// A refusal, which stores nothing; or that the outcome is not known.
    pub async fn reserve(&self, request: ReserveStock) -> Result<Held, Error> {
        loop {
            if let Some(answer) = self.0.submit(request.clone()).await? {
                return answer;
            }
        }
    }
}

struct Written {
    /// In order of the requests.
    answers: Vec<Answer>,
    /// Whether a product ran low or out.
    states_moved: bool,
}

struct Batch<'a> {
    requests: &'a [ReserveStock],
    currency: &'a str,
}

impl Batch<'_> {
    /// Decides in order of arrival, each whole or not at all.
    ///
    /// **Invariant:** locks are taken on reservations in order of order id, then on
    /// stock in order of product id: batches of two replicas never deadlock.
    async fn write(&self, connection: &mut Connection) -> Result<Written, Error> {
        let order_ids: Vec<_> = self.requests.iter().map(|request| request.order_id).collect();
        let mut known = by_order(db::find_reservations(connection, &order_ids).await?);
        let mut offered = self.offered(connection, &known).await?;

        // The row is looked for before stock and price are: it answers with the
        // prices it holds, also where another replica wrote it just now.
        let candidates = candidates(self.requests, &offered);
        let inserted = db::insert_reservations(connection, &candidates).await?;
        if inserted.len() < candidates.len() {
            let elsewhere: Vec<_> = candidates
                .iter()
                .map(|reservation| reservation.order_id)
                .filter(|id| !inserted.contains(id))
                .collect();
            known.extend(by_order(db::find_reservations(connection, &elsewhere).await?));
        }
        let written = candidates.iter().filter(|candidate| inserted.contains(&candidate.order_id));
        let mut product_ids: Vec<_> =
            written.flat_map(|row| row.items.iter().map(|item| item.product_id)).collect();
        product_ids.sort();
        product_ids.dedup();
        let mut stock = match product_ids.is_empty() {
            true => BTreeMap::new(),
            false => inventory::lock_stock(connection, &product_ids).await?,
        };
        let states =
            |stock: &BTreeMap<_, Stock>| stock.values().map(Stock::state).collect::<Vec<_>>();
        let states_before = states(&stock);

        let mut refused = Vec::new();
        let answers = self.requests.iter().enumerate().map(|(i, request)| {
            if let Some(reservation) = known.get(&request.order_id) {
                return Some(request.answer_known(reservation));
            }
            let items = match offered.remove(&i)? {
                Ok(items) => items,
                Err(refusal) => return Some(Err(refusal)),
            };
            if let Err(refusal) = hold(&mut stock, &items) {
                refused.push(request.order_id);
                return Some(Err(refusal));
            }
            let reservation = held(request, items.clone());
            known.insert(request.order_id, reservation);
            Some(Ok(Held { items, known: false }))
        });
        let answers = answers.collect();
        if !refused.is_empty() {
            db::delete_reservations(connection, &refused).await?;
        }
        if !stock.is_empty() {
            inventory::update_stock(connection, &stock).await?;
        }
        Ok(Written { answers, states_moved: states(&stock) != states_before })
    }

    /// For the first request of each order that has no row: its items at the prices of
    /// now, or why they are not for sale. By the request's place in the batch.
    async fn offered(
        &self,
        connection: &mut Connection,
        known: &HashMap<OrderId, Reservation>,
    ) -> Result<HashMap<usize, Result<Vec<ReservedItem>, Error>>, Error> {
        let mut seen = HashSet::new();
        let new: Vec<_> = self
            .requests
            .iter()
            .enumerate()
            .filter(|(_, r)| !known.contains_key(&r.order_id) && seen.insert(r.order_id))
            .collect();
        if new.is_empty() {
            return Ok(HashMap::new());
        }
        let mut ids: Vec<_> =
            new.iter().flat_map(|(_, request)| request.items.iter().map(|(id, _)| *id)).collect();
        ids.sort();
        ids.dedup();
        let offers = products::find_offers(connection, &ids).await?;
        Ok(new
            .into_iter()
            .map(|(i, request)| (i, request.offered(&offers, self.currency)))
            .collect())
    }
}

fn by_order(reservations: Vec<Reservation>) -> HashMap<OrderId, Reservation> {
    reservations.into_iter().map(|reservation| (reservation.order_id, reservation)).collect()
}

fn held(request: &ReserveStock, items: Vec<ReservedItem>) -> Reservation {
    Reservation {
        order_id: request.order_id,
        fingerprint: request.fingerprint.clone(),
        state: ReservationState::Held,
        items,
    }
}

/// Rows to write, in order of order id.
fn candidates(
    requests: &[ReserveStock],
    offered: &HashMap<usize, Result<Vec<ReservedItem>, Error>>,
) -> Vec<Reservation> {
    let mut rows: Vec<_> = offered
        .iter()
        .filter_map(|(&i, items)| Some(held(&requests[i], items.as_ref().ok()?.clone())))
        .collect();
    rows.sort_by_key(|row| row.order_id);
    rows
}
