//! [`Jobs`]: how many programs run for pages.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many at once; who comes then is told so.
const MOST: u32 = 4;

/// Those that run.
#[derive(Debug, Clone)]
pub struct Jobs(Arc<Semaphore>);

impl Default for Jobs {
    fn default() -> Jobs {
        Jobs(Arc::new(Semaphore::new(MOST as usize)))
    }
}

impl Jobs {
    /// A place for one more, free again when this is dropped; nothing, if there is none.
    pub fn begin(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    /// Ready when none runs, and none can begin any more.
    pub async fn all_done(&self) {
        if let Ok(all) = self.0.acquire_many(MOST).await {
            all.forget();
        }
    }
}
