//! The one thread that starts every child process of this program.
//!
//! **Invariant:** a child asks the kernel for a signal on the death of the *thread* that started it
//! (`PR_SET_PDEATHSIG`), so that thread must live as long as the program. A worker of the caller's
//! runtime does not: in a test it ends with the test.

use std::{
    future::{Future, pending},
    sync::OnceLock,
    thread,
};

use tokio::{
    runtime::{Builder, Handle},
    task::JoinHandle,
};

/// Runs `task` on the thread that may start child processes.
pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    static THREAD: OnceLock<Handle> = OnceLock::new();
    THREAD
        .get_or_init(|| {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime needs only file descriptors");
            let handle = runtime.handle().clone();
            thread::Builder::new()
                .name("devstack".into())
                .spawn(move || runtime.block_on(pending::<()>()))
                .expect("the system grants one more thread");
            handle
        })
        .spawn(task)
}
