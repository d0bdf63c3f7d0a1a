//! Bytes that the plan will ask for, fetched before it does.
//!
//! Requests are started in the plan's order for as long as fewer than the limit are under way and the bytes that wait, or are on
//! their way, leave room for what the next brings; a whole object is expected to be as large as the largest before it. Whoever
//! asks for bytes that no request was started for fetches them at once, and reading ahead goes on behind them: a budget that is
//! too small, or a plan that is not followed, slows loading down but never stops it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

use bytes::Bytes;
use mvl_core::{DataError, Location};
use tokio::task::JoinSet;

use super::origin::Origin;
use super::run::{Run, len_of};
use mvl_store::handle;

/// How far the consumer may be ahead of bytes that wait before these are given up, in places of the plan: more than the workers
/// of a strategy overtake each other by.
const OVERTAKEN: usize = 256;

/// How much is read ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes that wait or are on their way.
    pub(super) bytes: usize,
    /// Requests under way.
    pub(super) requests: usize,
    /// Bytes that one request reads where ranges are joined.
    pub(super) request_bytes: u64,
}

/// Where the bytes of an item of the plan lie.
type Locate = Box<dyn Fn(usize) -> Option<Location> + Send + Sync>;

/// Goes along one epoch's plan.
pub(super) struct ReadAhead {
    /// The items' indices in the order of the plan.
    plan: Box<[usize]>,
    locate: Locate,
    origin: Origin,
    limits: Limits,
    state: Mutex<State>,
    /// Something has arrived, or it is over.
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The first place of the plan that no request was started for.
    next: usize,
    /// What the next request will bring, once there is room.
    coming: Option<Vec<Location>>,
    /// What was asked for and not taken, by place.
    slots: BTreeMap<usize, Slot>,
    /// The places of an item that have a slot, in order.
    places: HashMap<usize, VecDeque<usize>>,
    /// Bytes that wait or are expected.
    bytes: usize,
    /// The largest record so far; `None` before the first.
    largest: Option<usize>,
    requests: usize,
    stopped: bool,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Slot {
    bytes: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    UnderWay,
    Here(Result<Bytes, DataError>),
    /// The request brought nothing for a reason that another part of it may have; whoever takes it asks again.
    Unread,
}

impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead")
            .field("plan", &self.plan.len())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl ReadAhead {
    /// Starts the first requests.
    pub(super) fn start(
        plan: Vec<usize>,
        locate: impl Fn(usize) -> Option<Location> + Send + Sync + 'static,
        origin: Origin,
        limits: Limits,
    ) -> Result<Arc<Self>, DataError> {
        handle()?; // so that what cannot work at all is said here
        let (state, arrived) = (Mutex::default(), Condvar::new());
        let ahead = Arc::new(Self { plan: plan.into(), locate: Box::new(locate), origin, limits, state, arrived });
        ahead.pump();
        Ok(ahead)
    }

    /// The bytes of an item, which lie at this place.
    pub(super) fn bytes(self: &Arc<Self>, index: usize, location: &Location) -> Result<Bytes, DataError> {
        match self.take(index) {
            Some(bytes) => bytes,
            None => self.fetch_now(location),
        }
    }

    /// Ends all requests; whoever waits gets an error.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let tasks = std::mem::take(&mut state.tasks);
        drop(state);
        drop(tasks); // ends them, and they look at the state once more
        self.arrived.notify_all();
    }

    /// The state is consistent between any two statements that may panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for bytes that were asked for ahead; `None` when there are none for this item.
    fn take(self: &Arc<Self>, index: usize) -> Option<Result<Bytes, DataError>> {
        let mut state = self.lock();
        let Some(place) = state.claim(index) else {
            state.skip_past(&self.plan, index);
            return None;
        };
        let content = loop {
            if state.stopped {
                return Some(Err(stopped()));
            }
            match state.slots.get(&place).map(|slot| &slot.content) {
                Some(Content::UnderWay) => state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(_) => break state.remove(place),
                None => return None,
            }
        };
        state.give_up_before(place.saturating_sub(OVERTAKEN), &self.plan);
        drop(state);
        self.pump();
        match content? {
            Content::Here(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Fetches what no request was started for.
    fn fetch_now(self: &Arc<Self>, location: &Location) -> Result<Bytes, DataError> {
        let (done, result) = mpsc::sync_channel(1);
        let (ahead, place) = (self.clone(), location.clone());
        let mut state = self.lock();
        if state.stopped {
            return Err(stopped());
        }
        let work = async move {
            let _ = done.send(ahead.origin.get_one(place).await); // the caller waits
        };
        state.tasks.spawn_on(work, handle()?);
        drop(state);
        result.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Starts as many requests as there is room for.
    fn pump(self: &Arc<Self>) {
        let Ok(runtime) = handle() else { return };
        let mut state = self.lock();
        while state.tasks.try_join_next().is_some() {} // forgets those that have ended
        while let Some((first, places)) = self.next_run(&mut state) {
            let arrival = Arrival { ahead: self.clone(), first, count: places.len() };
            let work = async move {
                let got = arrival.ahead.origin.get(&places).await;
                arrival.complete(got);
            };
            state.tasks.spawn_on(work, runtime);
        }
    }

    /// Takes the next places on, as many as one request brings; `None` when there is no room for the first.
    fn next_run(&self, state: &mut State) -> Option<(usize, Vec<Location>)> {
        if state.stopped || state.requests >= self.limits.requests {
            return None;
        }
        let run = match state.coming.take() {
            Some(run) => run,
            None => self.upcoming(&mut state.next)?,
        };
        // All of it or nothing yet: cut down to the room that one record leaves, every request would bring one record.
        if !state.has_room(&run, self.limits.bytes) {
            state.coming = Some(run);
            return None;
        }
        let begin = state.next;
        run.iter().for_each(|place| state.expect(place, &self.plan));
        state.requests += 1;
        Some((begin, run))
    }

    /// What the next request brings. Places that lie nowhere are passed over: the data set has its own way to them.
    fn upcoming(&self, next: &mut usize) -> Option<Vec<Location>> {
        let first = loop {
            match (self.locate)(*self.plan.get(*next)?) {
                Some(location) => break location,
                None => *next += 1,
            }
        };
        let mut run = Run::new(first, self.limits.request_bytes);
        let mut others = self.plan[*next + 1..].iter().map_while(|&index| (self.locate)(index));
        while others.next().is_some_and(|place| run.join(&place)) {}
        Some(run.places)
    }
}

impl State {
    /// The first place that the item was asked for at, which is the caller's from now on.
    fn claim(&mut self, index: usize) -> Option<usize> {
        let places = self.places.get_mut(&index)?;
        let place = places.pop_front();
        if places.is_empty() {
            self.places.remove(&index);
        }
        place
    }

    /// Whether the bytes at these places may be on their way as well.
    fn has_room(&self, places: &[Location], budget: usize) -> bool {
        let mut expected = places.iter().map(|place| len_of(place).or(self.largest));
        let after = expected.try_fold(self.bytes, |sum, bytes| Some(sum.saturating_add(bytes?)));
        self.slots.is_empty() || after.is_some_and(|bytes| bytes <= budget)
    }

    /// Makes the slot of the next place.
    fn expect(&mut self, location: &Location, plan: &[usize]) {
        let bytes = len_of(location).or(self.largest).unwrap_or(0);
        self.bytes = self.bytes.saturating_add(bytes);
        self.slots.insert(self.next, Slot { bytes, content: Content::UnderWay });
        self.places.entry(plan[self.next]).or_default().push_back(self.next);
        self.next += 1;
    }

    /// Fills a slot, unless it was given up.
    fn fill(&mut self, place: usize, content: Content) {
        let Some(slot) = self.slots.get_mut(&place) else { return };
        let bytes = if let Content::Here(Ok(bytes)) = &content { bytes.len() } else { 0 };
        self.bytes = self.bytes.saturating_sub(slot.bytes).saturating_add(bytes);
        *slot = Slot { bytes, content };
        self.largest = self.largest.max((bytes > 0).then_some(bytes));
    }

    fn remove(&mut self, place: usize) -> Option<Content> {
        let slot = self.slots.remove(&place)?;
        self.bytes = self.bytes.saturating_sub(slot.bytes);
        Some(slot.content)
    }

    /// Forgets the place in the list of its item's places.
    fn forget(&mut self, place: usize, plan: &[usize]) {
        if let Some(places) = self.places.get_mut(&plan[place]) {
            places.retain(|&other| other != place);
            if places.is_empty() {
                self.places.remove(&plan[place]);
            }
        }
    }

    /// Drops what waits for consumers that are long past it.
    fn give_up_before(&mut self, end: usize, plan: &[usize]) {
        let waits = |slot: &Slot| !matches!(slot.content, Content::UnderWay);
        let old: Vec<usize> =
            self.slots.range(..end).filter(|(_, slot)| waits(slot)).map(|(&place, _)| place).collect();
        for place in old {
            self.remove(place);
            self.forget(place, plan);
        }
    }

    /// The consumer is ahead of the requests: these go on after it.
    fn skip_past(&mut self, plan: &[usize], index: usize) {
        let ahead = plan.iter().skip(self.next).take(OVERTAKEN).position(|&other| other == index);
        if let Some(distance) = ahead {
            self.next += distance + 1;
            self.coming = None;
        }
    }
}

/// The end of a request, however it ends: without it whoever waits would wait for ever.
struct Arrival {
    ahead: Arc<ReadAhead>,
    first: usize,
    count: usize,
}

impl Arrival {
    /// Hands in what was got, and starts what there is room for now. Nothing got leaves all of it unread.
    fn complete(mut self, got: Option<Vec<Result<Bytes, DataError>>>) {
        self.hand_in(got.unwrap_or_default());
        self.ahead.pump();
    }

    fn hand_in(&mut self, got: Vec<Result<Bytes, DataError>>) {
        let mut state = self.ahead.lock();
        let contents = got.into_iter().map(Content::Here).chain(std::iter::repeat_with(|| Content::Unread));
        for (place, content) in (self.first..self.first + self.count).zip(contents) {
            state.fill(place, content);
        }
        state.requests -= usize::from(self.count > 0);
        self.count = 0;
        drop(state);
        self.ahead.arrived.notify_all();
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if self.count > 0 {
            self.hand_in(Vec::new());
        }
    }
}

fn stopped() -> DataError {
    DataError::invalid("loading was stopped before the bytes arrived")
}
