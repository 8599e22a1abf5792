//! Places: how many requests to one host are under way, and who is next.
//!
//! In: requests that want to be sent. Out: a place for each, in order of arrival, but those that lead
//! before those that do not: the pages of a list come one after the other, and while one of them waits
//! behind a thousand requests that nothing waits for, the whole sync takes longer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The places of a host.
#[derive(Debug)]
pub(crate) struct Places(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    free: usize,
    leading: VecDeque<oneshot::Sender<Place>>,
    others: VecDeque<oneshot::Sender<Place>>,
}

/// A place. It goes to whoever is next when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    /// Nothing once it has gone to somebody else.
    of: Option<Arc<Places>>,
}

impl Places {
    /// So many places.
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Queue { free: count, ..Queue::default() })))
    }

    /// Keeps at most so many of the places that are free.
    pub fn keep(&self, count: usize) {
        let mut queue = self.queue();
        queue.free = queue.free.min(count);
    }

    /// Waits for a place.
    pub async fn take(self: Arc<Self>, leads: bool) -> Place {
        loop {
            let next = {
                let mut queue = self.queue();
                if queue.free > 0 {
                    queue.free -= 1;
                    return Place { of: Some(self.clone()) };
                }
                let (here, next) = oneshot::channel();
                if leads {
                    queue.leading.push_back(here)
                } else {
                    queue.others.push_back(here)
                }
                next
            };
            // Whoever has a place passes it on; the queue is not left without an answer.
            if let Ok(place) = next.await {
                return place;
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is next; where nobody is, the place is free.
    fn next(&self) -> Option<oneshot::Sender<Place>> {
        let mut queue = self.queue();
        let next = queue.leading.pop_front().or_else(|| queue.others.pop_front());
        if next.is_none() {
            queue.free += 1;
        }
        next
    }

    /// The places that are free.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.queue().free
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(places) = self.of.take() else { return };
        while let Some(next) = places.next() {
            match next.send(Self { of: Some(places.clone()) }) {
                Ok(()) => return,
                // It does not wait any more.
                Err(mut place) => place.of = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn those_that_lead_go_first_and_the_others_in_order() {
        let places = Places::new(1);
        let held = places.clone().take(false).await;
        let mut waiting: Vec<_> =
            [false, true, false].map(|leads| Box::pin(places.clone().take(leads))).into_iter().collect();
        assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
        drop(held);
        let mut order = Vec::new();
        while order.len() < 3 {
            for (at, one) in waiting.iter_mut().enumerate().filter(|(at, _)| !order.contains(at)).collect::<Vec<_>>() {
                if one.now_or_never().is_some() {
                    order.push(at);
                    break;
                }
            }
        }
        assert_eq!(order, [1, 0, 2]);
        assert_eq!(places.free(), 1);
    }

    #[tokio::test]
    async fn a_place_outlives_those_that_stop_waiting() {
        let places = Places::new(1);
        let held = places.clone().take(false).await;
        let mut gives_up = Box::pin(places.clone().take(true));
        let mut gets_it_and_goes = Box::pin(places.clone().take(true));
        assert!((&mut gives_up).now_or_never().is_none() && (&mut gets_it_and_goes).now_or_never().is_none());
        drop(gives_up);
        drop(held);
        assert_eq!(places.free(), 0);
        drop(gets_it_and_goes);
        assert_eq!(places.free(), 1);
    }
}
