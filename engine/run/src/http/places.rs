//! Places: how many requests to one host are under way, and who is next.
//!
//! In: requests that want to be sent. Out: a place for each, in order of arrival, but those that lead
//! before those that do not: the pages of a list come one after the other, and while one of them waits
//! behind a thousand requests that nothing waits for, the whole sync takes longer. For the same reason
//! the place of one that led is kept a little: its answer tells the next one, which is to find it free.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The place that is kept is given away when this share of all places has come back since.
const SHARE: usize = 4;

/// The places of a host.
#[derive(Debug)]
pub(crate) struct Places(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    /// How many places there are.
    count: usize,
    free: usize,
    /// How many more of the others may come back before the place that is kept is theirs; nothing where
    /// none is kept.
    kept: Option<usize>,
    leading: VecDeque<oneshot::Sender<Place>>,
    others: VecDeque<oneshot::Sender<Place>>,
}

/// A place. It goes to whoever is next when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    leads: bool,
    /// Nothing once it has gone to somebody else.
    of: Option<Arc<Places>>,
}

impl Places {
    /// So many places.
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Queue { count, free: count, ..Queue::default() })))
    }

    /// Keeps at most so many of the places that nobody has.
    pub fn keep(&self, count: usize) {
        let mut queue = self.queue();
        queue.count = queue.count.min(count);
        let free = queue.free + usize::from(queue.kept.take().is_some());
        queue.free = free.min(count);
    }

    /// Waits for a place.
    pub async fn take(self: Arc<Self>, leads: bool) -> Place {
        loop {
            let next = {
                let mut queue = self.queue();
                if leads && queue.kept.take().is_some() {
                    return Place { leads, of: Some(self.clone()) };
                }
                if queue.free > 0 {
                    queue.free -= 1;
                    return Place { leads, of: Some(self.clone()) };
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

    /// How many places there are to give away when one comes back: none if it is kept for the next
    /// request that leads, two if the one that was kept is not needed any more.
    fn back(&self, led: bool) -> usize {
        let mut queue = self.queue();
        if !queue.leading.is_empty() {
            return 1;
        }
        match queue.kept.take() {
            None if led && queue.count > 1 => {
                queue.kept = Some(queue.count / SHARE);
                0
            }
            None => 1,
            Some(0) => 2,
            Some(more) => {
                queue.kept = Some(more - 1);
                1
            }
        }
    }

    /// Who is next, and whether it leads; where nobody is, the place is free.
    fn next(&self) -> Option<(oneshot::Sender<Place>, bool)> {
        let mut queue = self.queue();
        let leading = queue.leading.pop_front().map(|next| (next, true));
        let next = leading.or_else(|| queue.others.pop_front().map(|next| (next, false)));
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
        let mut back = places.back(self.leads);
        while back > 0 {
            let given = match places.next() {
                Some((next, leads)) => next.send(Self { leads, of: Some(places.clone()) }),
                None => Ok(()),
            };
            match given {
                Ok(()) => back -= 1,
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
    async fn the_place_of_one_that_led_is_kept_for_the_next_one_until_others_have_come_back() {
        let places = Places::new(8);
        let leading = places.clone().take(true).await;
        let mut held: Vec<Place> = Vec::new();
        for _ in 0..7 {
            held.push(places.clone().take(false).await);
        }
        let mut other = Box::pin(places.clone().take(false));
        assert!((&mut other).now_or_never().is_none());
        drop(leading);
        assert!((&mut other).now_or_never().is_none());
        let leading = places.clone().take(true).now_or_never().unwrap();
        drop(leading);
        // A quarter of the places comes back, and after that the kept one is anybody's, too.
        held.truncate(5);
        held.extend((&mut other).now_or_never());
        let mut more: Vec<_> = (0..4).map(|_| Box::pin(places.clone().take(false))).collect();
        let given: Vec<Place> = more.iter_mut().filter_map(|one| one.now_or_never()).collect();
        assert_eq!(given.len(), 1);
        drop(more.remove(0));
        held.truncate(5);
        let both: Vec<Place> = more.iter_mut().filter_map(|one| one.now_or_never()).collect();
        assert_eq!(both.len(), 2);
        drop((held, given, both, more));
        assert_eq!(places.free(), 8);
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
