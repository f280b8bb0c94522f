//! Pages of ListProducts, remembered for a moment: most people look at the same few.
//! What this replica writes shows at once, what another wrote after [`AGE_MAX`].

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;

use crate::{
    catalogue::{Cursor, ProductFilter},
    error::Error,
    product::Product,
};

/// A page is read anew after this long.
pub const AGE_MAX: Duration = Duration::from_millis(500);
/// Most memory that pages take together.
const BYTES_MAX: u64 = 16 << 20;
/// What a product takes besides its description.
const PRODUCT_BYTES: usize = 600;

/// Products, and where the next page begins.
pub type Page = (Vec<Product>, Option<Cursor>);

/// The remembered pages. Cheap to clone.
#[derive(Clone)]
pub struct Lists {
    pages: Cache<Key, Arc<Page>>,
    changes: Arc<AtomicU64>,
}

/// What was asked, and after how many changes: a page read before a change, however
/// late it is put here, is not found after it.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    filter: ProductFilter,
    cursor: Option<Cursor>,
    page_size: i64,
    changes: u64,
}

impl Default for Lists {
    fn default() -> Self {
        let pages = Cache::builder()
            .time_to_live(AGE_MAX)
            .max_capacity(BYTES_MAX)
            .weigher(|_, page: &Arc<Page>| {
                let bytes = page.0.iter().map(|p| PRODUCT_BYTES + p.fields.description.len());
                u32::try_from(PRODUCT_BYTES + bytes.sum::<usize>()).unwrap_or(u32::MAX)
            })
            .build();
        Self { pages, changes: Arc::default() }
    }
}

impl Lists {
    /// The page, remembered or by `read`.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn page(
        &self,
        filter: &ProductFilter,
        cursor: Option<&Cursor>,
        page_size: i64,
        read: impl Future<Output = Result<Page, Error>>,
    ) -> Result<Arc<Page>, Error> {
        let changes = self.changes.load(Ordering::Acquire);
        let key = Key { filter: filter.clone(), cursor: cursor.cloned(), page_size, changes };
        if let Some(page) = self.pages.get(&key) {
            return Ok(page);
        }
        let page = Arc::new(read.await?);
        self.pages.insert(key, page.clone());
        Ok(page)
    }

    /// Forgets all pages: this replica has committed a change that they may show.
    pub fn forget(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}
