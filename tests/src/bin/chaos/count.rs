//! The count after the faults: what the buyers were promised against what the databases, the topics
//! and the mailbox contain.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use devstack::{Service, Stack};
use proto::order::v1::{GetOrderStatisticsRequest, StatisticsBucket};
use tests::store::Store;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, NoTls};

use crate::{
    Result,
    mail_server::Accepted,
    topics::Topics,
    traffic::{Record, lock},
};

/// How long the store may take to finish all work after the last fault.
const QUIET_DURATION_MAX: Duration = Duration::from_secs(180);
/// Work that is not finished, by database.
const UNFINISHED: [(Service, &str); 9] = [
    (Service::USER, "SELECT count(*) FROM outbox"),
    (Service::PRODUCT, "SELECT count(*) FROM outbox"),
    (Service::ORDER, "SELECT count(*) FROM outbox"),
    (Service::NOTIFY, "SELECT count(*) FROM outbox"),
    (Service::ORDER, "SELECT count(*) FROM uncounted_orders"),
    (Service::ORDER, "SELECT count(*) FROM orders WHERE mail_state = 'PENDING'"),
    (Service::PRODUCT, "SELECT count(*) FROM reservations WHERE state = 'HELD'"),
    (Service::PRODUCT, "SELECT count(*) FROM inventory WHERE held > 0"),
    (Service::NOTIFY, "SELECT count(*) FROM deliveries WHERE state = 'PENDING'"),
];

/// The databases, read by their superuser.
pub struct Databases(BTreeMap<Service, Client>);

impl Databases {
    pub async fn connect(stack: &Stack) -> Result<Self> {
        let url = stack.addresses().postgres_url("postgres")?;
        let mut clients = BTreeMap::new();
        for service in Service::with_database() {
            let database = service.database().unwrap_or_default();
            let url = url.replace("/postgres?", &format!("/{database}?"));
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            tokio::spawn(connection);
            clients.insert(service, client);
        }
        Ok(Self(clients))
    }

    /// Verifies the addresses of all accounts, after each customer got the first mail: an
    /// unverified address gets few mails, and a mail with a link fails where nothing is left to
    /// verify.
    pub async fn verify_addresses(&self) -> Result<()> {
        const MAILED: &str = "SELECT count(DISTINCT recipient) FROM notifications \
            JOIN deliveries ON id = notification_id WHERE state = 'SENT'";
        const ACCOUNTS: &str = "SELECT count(*) FROM users WHERE role = 'customer'";
        let accounts = self.number(Service::USER, ACCOUNTS).await?;
        let end = Instant::now() + QUIET_DURATION_MAX;
        while self.number(Service::NOTIFY, MAILED).await? < accounts {
            if Instant::now() >= end {
                return Err("a customer got no mail before the first fault".into());
            }
            sleep(Duration::from_millis(100)).await;
        }
        self.0[&Service::USER].execute("UPDATE users SET email_verified = true", &[]).await?;
        Ok(())
    }

    async fn number(&self, service: Service, query: &str) -> Result<i64> {
        Ok(self.0[&service].query_one(query, &[]).await?.get(0))
    }

    /// Waits until nothing is unfinished, and returns how much still is.
    pub async fn wait_until_quiet(&self) -> Result<i64> {
        let end = Instant::now() + QUIET_DURATION_MAX;
        loop {
            let mut unfinished = 0;
            for (service, query) in UNFINISHED {
                unfinished += self.number(service, query).await?;
            }
            if unfinished == 0 || Instant::now() >= end {
                return Ok(unfinished);
            }
            sleep(Duration::from_millis(500)).await;
        }
    }
}

/// One line of the result.
struct Line {
    what: &'static str,
    found: i64,
    must_be_zero: bool,
}

/// The result of a run.
#[derive(Default)]
pub struct Count(Vec<Line>);

impl Count {
    /// Adds a figure that is only for information.
    pub fn note(&mut self, what: &'static str, found: usize) {
        self.0.push(Line { what, found: found as i64, must_be_zero: false });
    }

    /// Adds a figure that must be zero.
    pub fn require_zero(&mut self, what: &'static str, found: i64) {
        self.0.push(Line { what, found, must_be_zero: true });
    }

    /// Returns whether a figure that must be zero is not.
    pub fn has_breach(&self) -> bool {
        self.0.iter().any(|line| line.must_be_zero && line.found != 0)
    }

    /// Counts orders: the record of the buyers against the database.
    pub async fn orders(&mut self, databases: &Databases, record: &Record) -> Result<()> {
        let rows = databases.0[&Service::ORDER]
            .query("SELECT order_id::text, request_id::text, state FROM orders", &[])
            .await?;
        let orders: BTreeMap<String, String> =
            rows.iter().map(|row| (row.get(0), row.get(2))).collect();
        let mut requests = BTreeSet::new();
        let doubled = rows.iter().filter(|row| !requests.insert(row.get::<_, String>(1))).count();
        let acknowledged = lock(&record.orders);
        let is_lost = |order_id: &String| !orders.contains_key(order_id);
        let lost = acknowledged.iter().filter(|order| is_lost(&order.order_id)).count();
        let by_request: BTreeMap<_, _> =
            acknowledged.iter().map(|order| (&order.request_id, &order.order_id)).collect();
        let changed =
            acknowledged.iter().filter(|o| by_request[&o.request_id] != &o.order_id).count();
        let cancelled = lock(&record.cancelled);
        let revived =
            cancelled.iter().filter(|id| orders.get(*id).is_none_or(|s| s != "CANCELLED"));
        self.note("orders in the database", orders.len());
        self.note("orders acknowledged to buyers", acknowledged.len());
        self.require_zero("acknowledged orders that are missing", lost as i64);
        self.require_zero("request ids with more than one order", (doubled + changed) as i64);
        self.require_zero("acknowledged cancellations that are missing", revived.count() as i64);
        Ok(())
    }

    /// Counts stock: orders and reservations against what was put in and the ledger.
    pub async fn stock(&mut self, databases: &Databases, record: &Record) -> Result<()> {
        const SOLD: &str = "SELECT product_id::text, sum(quantity)::bigint FROM orders, \
            unnest(product_ids, quantities) AS item (product_id, quantity) \
            WHERE state <> 'CANCELLED' GROUP BY product_id";
        const LEDGER: &str = "SELECT count(*) FROM inventory WHERE on_hand IS DISTINCT FROM \
            (SELECT coalesce(sum(delta), 0) FROM inventory_changes AS c WHERE c.product_id = inventory.product_id)";
        let (orders, products) = (&databases.0[&Service::ORDER], &databases.0[&Service::PRODUCT]);
        let sold = orders.query(SOLD, &[]).await?;
        let sold: BTreeMap<String, i64> = sold.iter().map(|row| (row.get(0), row.get(1))).collect();
        let on_hand =
            products.query("SELECT product_id::text, on_hand FROM inventory", &[]).await?;
        let on_hand: BTreeMap<String, i32> =
            on_hand.iter().map(|row| (row.get(0), row.get(1))).collect();
        let off: i64 = lock(&record.put_in)
            .iter()
            .map(|(id, put_in)| {
                let sold = sold.get(id).copied().unwrap_or_default();
                (i64::from(on_hand[id]) + sold - put_in).abs()
            })
            .sum();
        self.require_zero("units that on hand and sold differ from put in", off);
        let ledger = databases.number(Service::PRODUCT, LEDGER).await?;
        self.require_zero("products whose ledger differs from on hand", ledger);

        let settled = "SELECT order_id::text FROM reservations WHERE state = ";
        let committed = ids(products, &format!("{settled} 'COMMITTED'")).await?;
        let returned = ids(products, &format!("{settled} 'RETURNED'")).await?;
        let kept =
            ids(orders, "SELECT order_id::text FROM orders WHERE state <> 'CANCELLED'").await?;
        let cancelled =
            ids(orders, "SELECT order_id::text FROM orders WHERE state = 'CANCELLED'").await?;
        let differing = committed.symmetric_difference(&kept).count()
            + returned.symmetric_difference(&cancelled).count();
        self.require_zero("orders whose reservation has another state", differing as i64);
        Ok(())
    }

    /// Counts events and mails. `windows` is the number of mails that faults may have duplicated.
    pub async fn mails(
        &mut self,
        databases: &Databases,
        topics: &Topics,
        accepted: &[Accepted],
        windows: usize,
    ) -> Result<()> {
        let orders = &databases.0[&Service::ORDER];
        let all = ids(orders, "SELECT order_id::text FROM orders").await?;
        let cancelled =
            ids(orders, "SELECT order_id::text FROM orders WHERE state = 'CANCELLED'").await?;
        let shipped =
            ids(orders, "SELECT order_id::text FROM orders WHERE state = 'SHIPPED'").await?;
        let mut without_mail = 0;
        let mut message_ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for mail in accepted.iter().filter(|mail| mail.subject.starts_with("Your order")) {
            message_ids.entry(&mail.subject).or_default().insert(&mail.message_id);
        }
        let mut without_event = 0;
        for (topic, ids, state) in [
            ("order-created", &all, "confirmed"),
            ("order-cancelled", &cancelled, "cancelled"),
            ("order-shipped", &shipped, "on its way"),
        ] {
            without_event += ids.difference(&topics.subjects(topic)).count();
            let is_mailed = |id: &&String| {
                let number = &id[..8];
                let mut subjects = message_ids.keys();
                !subjects.any(|subject| subject.contains(number) && subject.contains(state))
            };
            without_mail += ids.iter().filter(is_mailed).count();
        }
        let doubled = message_ids.values().filter(|ids| ids.len() > 1).count();
        let distinct: BTreeSet<&str> = accepted.iter().map(|mail| &*mail.message_id).collect();
        let duplicates = accepted.len() - distinct.len();
        const FAILED: &str = "SELECT array_to_string(array_agg(reply_code || ' ' || reply_text \
            ORDER BY attempt), '; ') FROM deliveries JOIN delivery_attempts USING (notification_id) \
            WHERE state = 'FAILED' GROUP BY notification_id";
        let failed = databases.0[&Service::NOTIFY].query(FAILED, &[]).await?;
        for row in &failed {
            println!("a mail failed: {}", row.get::<_, String>(0));
        }
        self.note("events published", topics.events());
        self.note("mails accepted by the mail server", accepted.len());
        self.note("mails accepted twice, with one Message-ID", duplicates);
        self.require_zero("orders and changes without an event", without_event as i64);
        self.require_zero("orders and changes without a mail", without_mail as i64);
        self.require_zero("mails that failed", failed.len() as i64);
        self.require_zero("mails with more than one Message-ID", doubled as i64);
        let unexplained = duplicates.saturating_sub(windows);
        self.require_zero("duplicate mails that no fault explains", unexplained as i64);
        self.require_zero("dead letters", topics.dead_letters() as i64);
        Ok(())
    }

    /// Compares the statistics with the orders themselves.
    pub async fn statistics(&mut self, databases: &Databases, store: &Store) -> Result<()> {
        const SUMS: &str = "SELECT count(*), coalesce(sum(total_minor), 0)::bigint FROM orders \
            WHERE state <> 'CANCELLED'";
        let row = databases.0[&Service::ORDER].query_one(SUMS, &[]).await?;
        let (orders, revenue): (i64, i64) = (row.get(0), row.get(1));
        let quarter = |seconds: i64| prost_types::Timestamp {
            seconds: seconds.div_euclid(900) * 900,
            nanos: 0,
        };
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs() as i64;
        let request = GetOrderStatisticsRequest {
            start_time: Some(quarter(now - 86_400)),
            end_time: Some(quarter(now + 900)),
            bucket: StatisticsBucket::Day.into(),
            time_zone: "UTC".into(),
        };
        let admin = store.admin().await;
        let response =
            store.all_orders().get_order_statistics(admin.request(request)).await?.into_inner();
        let totals = response.totals.ok_or("a response has totals")?;
        let counted = totals
            .revenue
            .as_ref()
            .and_then(|revenue| proto::money::to_minor(revenue).ok())
            .unwrap_or_default();
        self.require_zero("orders that the statistics miss", (totals.orders - orders).abs());
        self.require_zero("minor units of revenue that they miss", (counted - revenue).abs());
        Ok(())
    }

    /// Counts what the faults left behind in the database server. A transaction of a running task is
    /// idle for a moment between two statements.
    pub async fn connections(&mut self, databases: &Databases) -> Result<()> {
        let idle = "SELECT count(*) FROM pg_stat_activity \
            WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '5 seconds'";
        let idle = databases.number(Service::ORDER, idle).await?;
        self.require_zero("connections idle in a transaction", idle);
        Ok(())
    }
}

async fn ids(client: &Client, query: &str) -> Result<BTreeSet<String>> {
    Ok(client.query(query, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// A table; a breach is marked.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0 {
            let verdict = match (line.must_be_zero, line.found) {
                (false, _) => "",
                (true, 0) => "  ok",
                (true, _) => "  BREACH",
            };
            writeln!(f, "{:<48}{:>8}{verdict}", line.what, line.found)?;
        }
        Ok(())
    }
}
