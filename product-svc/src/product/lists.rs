//! A short-lived cache of pages of ListProducts, since most people look at the same few. A change
//! by this replica shows at once, one by another replica after [`AGE_MAX`].

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mesh_data::page::{Listed, Page};
use moka::sync::Cache;

use crate::{
    error::Error,
    product::{Product, ProductCursor, ProductFilter},
};

/// Age at which a page expires.
const AGE_MAX: Duration = Duration::from_millis(500);
/// Most memory that all pages take.
const BYTES_MAX: u64 = 16 << 20;
/// Size of a product without its description.
const PRODUCT_BYTES: usize = 600;

/// The cached pages. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ListCache {
    pages: Cache<Key, Arc<Listed<Product>>>,
    generation: Arc<AtomicU64>,
}

/// The generation makes a page that was read before a change unreachable after it, however late
/// the page is inserted.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    filter: ProductFilter,
    cursor: Option<ProductCursor>,
    page_size: i64,
    generation: u64,
}

impl Default for ListCache {
    fn default() -> Self {
        let pages = Cache::builder()
            .time_to_live(AGE_MAX)
            .max_capacity(BYTES_MAX)
            .weigher(|_, page: &Arc<Listed<Product>>| {
                let bytes = page.items.iter().map(|p| PRODUCT_BYTES + p.fields.description.len());
                u32::try_from(PRODUCT_BYTES + bytes.sum::<usize>()).unwrap_or(u32::MAX)
            })
            .build();
        Self { pages, generation: Arc::default() }
    }
}

impl ListCache {
    /// Returns the cached page, or reads it by `read`.
    pub async fn get_or_read(
        &self,
        filter: &ProductFilter,
        page: &Page<ProductCursor>,
        read: impl Future<Output = Result<Listed<Product>, Error>>,
    ) -> Result<Arc<Listed<Product>>, Error> {
        let key = Key {
            filter: filter.clone(),
            cursor: page.cursor.clone(),
            page_size: page.size,
            generation: self.generation.load(Ordering::Acquire),
        };
        if let Some(listed) = self.pages.get(&key) {
            return Ok(listed);
        }
        let listed = Arc::new(read.await?);
        self.pages.insert(key, listed.clone());
        Ok(listed)
    }

    /// Invalidates all pages, after this replica has committed a change that they may show.
    pub fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }
}
