//! The baseline of a checkout: the SQL of one order in pgbench, on the same server.

use std::{path::PathBuf, time::Duration};

use devstack::Stack;

use crate::Result;

const TABLES: &str = "
CREATE TABLE stock (id int PRIMARY KEY, on_hand int NOT NULL) WITH (fillfactor = 50);
CREATE TABLE orders (id uuid PRIMARY KEY, customer_id uuid NOT NULL, total bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE order_items (order_id uuid REFERENCES orders, product_id int REFERENCES stock,
    quantity int NOT NULL, price bigint NOT NULL, PRIMARY KEY (order_id, product_id));
CREATE TABLE outbox (id uuid PRIMARY KEY, topic text NOT NULL, payload text NOT NULL);
";

/// pgbench with its own database on the server of the store.
pub struct Pgbench {
    program: PathBuf,
    url: String,
    folder: tempfile::TempDir,
}

impl Pgbench {
    /// Creates the tables, with `products` rows of stock.
    pub async fn prepare(stack: &Stack, products: usize) -> Result<Self> {
        let url = stack.addresses().postgres_url("postgres")?;
        connect(&url).await?.batch_execute("CREATE DATABASE pgbench").await?;
        let url = url.replace("/postgres?", "/pgbench?");
        let client = connect(&url).await?;
        client.batch_execute(TABLES).await?;
        let fill = format!(
            "INSERT INTO stock SELECT n, 100000000 FROM generate_series(1, {products}) AS n"
        );
        client.batch_execute(&fill).await?;
        Ok(Self { program: find_pgbench()?, url, folder: tempfile::tempdir()? })
    }

    /// Returns the orders per second, each of one of the first `products`.
    pub async fn run(&self, products: usize, clients: usize, time: Duration) -> Result<f64> {
        let script = self.folder.path().join("order.sql");
        let statements = format!(
            "\\set p random(1, {products})\n\
             BEGIN;\n\
             UPDATE stock SET on_hand = on_hand - 1 WHERE id = :p;\n\
             WITH o AS (INSERT INTO orders (id, customer_id, total)\n\
               VALUES (gen_random_uuid(), gen_random_uuid(), 250) RETURNING id)\n\
             SELECT id AS order_id FROM o \\gset\n\
             INSERT INTO order_items VALUES (:order_id, :p, 1, 250);\n\
             INSERT INTO outbox VALUES (gen_random_uuid(), 'order-created', repeat('x', 300));\n\
             COMMIT;\n"
        );
        std::fs::write(&script, statements)?;
        let output = tokio::process::Command::new(&self.program)
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={}", time.as_secs()))
            .arg(format!("--file={}", script.display()))
            .arg(&self.url)
            .output()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let tps = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let tps = tps.and_then(|line| line.split(' ').next()?.parse().ok());
        tps.ok_or_else(|| format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// Connects to a database.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn find_pgbench() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = versions.map(|version| version.path().join("bin/pgbench"));
    let mut found: Vec<_> = installed.filter(|program| program.exists()).collect();
    found.sort();
    Ok(found.pop().unwrap_or_else(|| "pgbench".into()))
}
