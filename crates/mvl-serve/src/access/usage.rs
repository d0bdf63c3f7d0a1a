//! How often somebody asks: by the minute, by the day. Counts are in memory; those of keys by the day can be kept.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::moment::{day_of, until_next_day};
use crate::{ServiceError, Trouble};

/// From how many callers on those that asked nothing lately are forgotten.
const MANY: usize = 10_000;

/// What one caller may ask, and what it has asked.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    minute: Option<(NonZeroU32, Arc<DefaultDirectRateLimiter>)>,
    most_a_day: Option<u32>,
    /// Which day it is, and how many requests there were.
    day: Arc<Mutex<(u64, u32)>>,
}

impl Usage {
    /// What was asked under other limits goes on to count.
    pub(crate) fn new(a_minute: Option<NonZeroU32>, a_day: Option<NonZeroU32>, before: Option<&Self>) -> Self {
        let known = before.and_then(|before| before.minute.clone()).filter(|(limit, _)| Some(*limit) == a_minute);
        let fresh = |limit| (limit, Arc::new(RateLimiter::direct(Quota::per_minute(limit))));
        Self {
            minute: a_minute.map(|limit| known.unwrap_or_else(|| fresh(limit))),
            most_a_day: a_day.map(NonZeroU32::get),
            day: before.map(|before| before.day.clone()).unwrap_or_default(),
        }
    }

    /// Counts a request.
    pub(crate) fn take(&self) -> Result<(), ServiceError> {
        if let Some((limit, limiter)) = &self.minute {
            limiter.check().map_err(|not_until| {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                too_many(format!("more than {limit} requests a minute"), wait)
            })?;
        }
        let Some(most) = self.most_a_day else { return Ok(()) };
        let now = SystemTime::now();
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        if day.0 != day_of(now) {
            *day = (day_of(now), 0);
        }
        if day.1 >= most {
            return Err(too_many(format!("more than {most} requests a day"), until_next_day(now)));
        }
        day.1 += 1;
        Ok(())
    }

    /// How many requests were counted on a day.
    pub(super) fn of_day(&self, day: u64) -> u32 {
        let known = *self.day.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 == day { known.1 } else { 0 }
    }

    /// Goes on from what was counted on a day.
    pub(super) fn go_on_from(&self, day: u64, count: u32) {
        *self.day.lock().unwrap_or_else(PoisonError::into_inner) = (day, count);
    }
}

fn too_many(what: String, wait: Duration) -> ServiceError {
    ServiceError { retry_after: Some(wait), ..ServiceError::new(Trouble::TooMany, what) }
}

/// A limit for each of many callers.
#[derive(Debug)]
pub(crate) struct Each<K: std::hash::Hash + Eq + Clone> {
    limit: NonZeroU32,
    limiter: DefaultKeyedRateLimiter<K>,
}

/// A limit for each address. The addresses of one IPv6 network count as one, since one machine has them all.
pub(crate) type PerAddress = Each<IpAddr>;
/// A limit for each subject of a token.
pub(crate) type PerSubject = Each<String>;

impl<K: std::hash::Hash + Eq + Clone> Each<K> {
    pub(crate) fn new(a_minute: NonZeroU32) -> Self {
        Self { limit: a_minute, limiter: RateLimiter::keyed(Quota::per_minute(a_minute)) }
    }

    fn take_as(&self, who: &K) -> Result<(), ServiceError> {
        if self.limiter.len() > MANY {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(who).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            too_many(format!("more than {} requests a minute", self.limit), wait)
        })
    }
}

/// What counts as one machine: an address, or the IPv6 network that it is in. This machine's own address stays as it is.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into())
        }
        address => address,
    }
}

impl PerAddress {
    /// Counts a request.
    pub(crate) fn take(&self, address: IpAddr) -> Result<(), ServiceError> {
        self.take_as(&network_of(address))
    }
}

impl PerSubject {
    /// Counts a request.
    pub(crate) fn take(&self, subject: &str) -> Result<(), ServiceError> {
        self.take_as(&subject.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(limit: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(limit)
    }

    #[test]
    fn minutes_and_days_are_counted() {
        let usage = Usage::new(some(2), some(3), None);
        usage.take().and_then(|()| usage.take()).expect("two a minute");
        let refused = usage.take().expect_err("a third");
        assert_eq!((refused.trouble, refused.message.as_str()), (Trouble::TooMany, "more than 2 requests a minute"));
        let after = refused.retry_after.expect("when");
        assert!(after > Duration::from_secs(20) && after <= Duration::from_secs(30), "one every 30 s: {after:?}");
        let renewed = Usage::new(some(10), some(3), Some(&usage));
        renewed.take().expect("the third of the day");
        assert_eq!(renewed.take().expect_err("the fourth").message, "more than 3 requests a day");
        Usage::default().take().expect("no limits");
    }

    #[test]
    fn a_network_counts_as_one() {
        let each = PerAddress::new(NonZeroU32::MIN);
        let take = |address: &str| each.take(address.parse().expect("an address"));
        take("10.0.0.1").and_then(|()| take("10.0.0.2")).expect("two machines");
        take("::ffff:10.0.0.1").expect_err("the first of them");
        take("2001:db8::1").expect("a network");
        take("2001:db8::2").expect_err("the same");
        take("2001:db8:0:1::1").expect("another");
    }
}
