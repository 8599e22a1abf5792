//! The thread that stores pages. Storing blocks, and so it happens beside the runtime's threads; one
//! thread does it for all jobs, as the store takes one transaction at a time anyway, and as memory
//! that one thread takes and gives back is used again.
//!
//! In: pages, each with the job that waits for it. Out: what waits together is stored together, in
//! one transaction; every job is told of its end.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

use tokio::sync::oneshot;

use super::SyncError;
use super::run::{Filled, Run};

/// Records that go into one transaction, but for the last page of it.
const TOGETHER: u64 = 4_000;

/// A page, and whom to tell that it is stored.
struct Order {
    run: Arc<Run>,
    filled: Filled,
    done: oneshot::Sender<Result<(), SyncError>>,
}

/// Stores pages in the order in which they come, on a thread that begins with the first one and
/// ends with the writer.
#[derive(Debug, Default)]
pub(super) struct Writer {
    orders: OnceLock<Option<Sender<Order>>>,
}

/// A page on its way into the store; it gets there whether somebody waits for it or not.
pub(super) struct Storing {
    is_done: oneshot::Receiver<Result<(), SyncError>>,
    doing: String,
}

impl Storing {
    /// Waits until it is there.
    pub async fn done(self) -> Result<(), SyncError> {
        match self.is_done.await {
            Ok(stored) => stored,
            Err(_) => Err(SyncError::internal(&self.doing, "storing a page broke off")),
        }
    }
}

impl Writer {
    /// Sends a page on its way; `doing` says what for, if that breaks off.
    pub fn store(run: &Arc<Run>, filled: Filled, doing: String) -> Storing {
        let (done, is_done) = oneshot::channel();
        let order = Order { run: run.clone(), filled, done };
        match run.writer.orders.get_or_init(begin) {
            Some(orders) => {
                // The thread lives as long as this end of the channel does.
                let _ = orders.send(order);
            }
            None => carry_out(vec![order]),
        }
        Storing { is_done, doing }
    }
}

/// Begins the thread; nothing where the system has none to give.
fn begin() -> Option<Sender<Order>> {
    let (orders, given) = channel();
    let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
        while let Some(orders) = waiting(&given) {
            carry_out(orders);
        }
    });
    thread.ok().map(|_| orders)
}

/// Waits for an order, and takes with it what has come meanwhile.
fn waiting(given: &Receiver<Order>) -> Option<Vec<Order>> {
    let mut orders = vec![given.recv().ok()?];
    let mut records = 0;
    while let Some(last) = orders.last() {
        records += last.filled.records();
        if records >= TOGETHER {
            break;
        }
        let Ok(next) = given.try_recv() else { break };
        orders.push(next);
    }
    Some(orders)
}

fn carry_out(orders: Vec<Order>) {
    let mut waiting = Vec::with_capacity(orders.len());
    let mut filled = Vec::with_capacity(orders.len());
    let mut of = None;
    for order in orders {
        waiting.push(order.done);
        filled.push(order.filled);
        of = Some(order.run);
    }
    let Some(run) = of else { return };
    let stored = run.commit(filled);
    // Whoever waits for the end of the run sees that it is not held here any more.
    drop(run);
    for done in waiting {
        let told = match &stored {
            Ok(()) => Ok(()),
            Err(error) => Err(SyncError::Store(error.clone())),
        };
        // Nobody may wait for it any more.
        let _ = done.send(told);
    }
}
