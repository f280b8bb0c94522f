//! Keeps what searches use complete: the search keys of products that a program without them has
//! written, and a vocabulary without unused words.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mesh::error::chain;
use mesh_data::database::Database;

use crate::{
    db::{products, search},
    error::Error,
    product::{ProductFields, words::SearchKeys},
};

/// Most products of one transaction.
const PRODUCTS_MAX: i64 = 500;
/// Most words of the vocabulary that are checked at once.
const WORDS_MAX: i64 = 500;
/// Longest duration of a statement that checks words. Writers of the catalogue wait for one of them.
const CHECK_DURATION_MAX: Duration = Duration::from_secs(5);

/// Makes the search keys of all products whose keys are not of their current version. It can be
/// interrupted, and any number of replicas may do so at once.
///
/// # Errors
/// Those of the database.
pub async fn index_products(database: &Database) -> Result<(), Error> {
    loop {
        let indexed = database.transaction(async |connection| {
            let rows = search::lock_products_to_index(connection, PRODUCTS_MAX).await?;
            let keys = rows.into_iter().map(|(id, sku, name, description)| {
                (
                    id,
                    SearchKeys::new(&ProductFields {
                        sku,
                        name,
                        description,
                        ..Default::default()
                    }),
                )
            });
            let keys: Vec<_> = keys.collect();
            search::update_search_keys(connection, &keys).await?;
            Ok::<_, Error>(keys.len() as i64)
        });
        if indexed.await? < PRODUCTS_MAX {
            return Ok(());
        }
    }
}

/// Whether all products had search keys once. An upgrade makes a replica ready after that; what an
/// older replica writes later is missing in searches for moments only.
#[derive(Clone)]
pub(crate) struct IndexReadiness {
    database: Database,
    was_complete: Arc<AtomicBool>,
}

impl IndexReadiness {
    pub fn new(database: Database) -> Self {
        Self { database, was_complete: Arc::default() }
    }

    /// Checks that no product lacks its search keys, until none did.
    pub async fn check(self) -> Result<(), String> {
        if self.was_complete.load(Ordering::Relaxed) {
            return Ok(());
        }
        // The planner expects such products everywhere, and would scan the table for one.
        let waits = self.database.transaction(async |connection| {
            search::prefer_indexes(connection, CHECK_DURATION_MAX).await?;
            Ok::<_, Error>(search::has_products_to_index(connection).await?)
        });
        if waits.await.map_err(|error| chain(&error))? {
            return Err("products wait for their search keys".into());
        }
        self.was_complete.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Deletes words that no product has any more, some at a time.
#[derive(Default)]
pub(crate) struct VocabularyCleaner {
    /// The last word that was checked.
    last: Mutex<String>,
}

impl VocabularyCleaner {
    /// Checks the next words of the vocabulary. Returns whether these were the last.
    pub async fn check_words(&self, database: &Database) -> Result<bool, Error> {
        let after = self.last.lock().map(|last| last.clone()).unwrap_or_default();
        let last = database.transaction(async |connection| {
            search::prefer_indexes(connection, CHECK_DURATION_MAX).await?;
            let words = search::list_vocabulary(connection, &after, WORDS_MAX).await?;
            let unused = words.iter().filter(|(_, is_used)| !is_used);
            let unused: Vec<_> = unused.map(|(word, _)| word.clone()).collect();
            if !unused.is_empty() {
                // A product that is being written may have one of these words.
                products::lock_catalogue(connection).await?;
                search::delete_unused_words(connection, &unused).await?;
            }
            let is_full = words.len() as i64 == WORDS_MAX;
            Ok::<_, Error>(words.into_iter().next_back().filter(|_| is_full).map(|(word, _)| word))
        });
        let last = last.await?;
        let is_end = last.is_none();
        if let Ok(mut checked) = self.last.lock() {
            *checked = last.unwrap_or_default();
        }
        Ok(is_end)
    }
}
