//! What the program does instead of serving.

use std::{fs, path::Path};

use mesh::BoxError;
use mesh_data::{commands, database::Database};

use crate::{
    App, MIGRATIONS,
    config::{Command, Config},
    convert,
    product::{import, lists::ListCache, search::SearchDatabase},
};

/// Runs `command`.
///
/// # Errors
/// Those of the shared commands, an unreadable file, a file with bad rows, or an unavailable
/// database.
pub async fn run(command: &Command, config: &Config) -> Result<(), BoxError> {
    match command {
        Command::Shared(command) => {
            let topics = proto::topics::of_package("shopmesh.product.v1");
            commands::run(command, &config.settings, MIGRATIONS, topics).await
        }
        Command::Import { file } => import_file(config, file).await,
    }
}

async fn import_file(config: &Config, file: &Path) -> Result<(), BoxError> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let rows = convert::import_rows(&bytes, &config.shop_currency);
    let database = Database::open(&config.settings.database, &MIGRATIONS)?;
    let app = App {
        search_database: SearchDatabase::new(database.clone(), 1),
        database,
        currency: config.shop_currency.as_str().into(),
        lists: ListCache::default(),
    };
    let report = import::import_products(&app, None, rows).await?;
    if !report.bad_rows.is_empty() {
        return Err(report.to_string().into());
    }
    println!("{report}");
    Ok(())
}
