//! How much one account or address may ask for.
//!
//! Signed-in users count by account. Addresses count only at the doors that need no token, so that
//! a whole office behind one address can chat.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use chinwag_core::id::UserId;
use chinwag_core::limit::{
    ADDRESS_RATE, COMMAND_RATE, DELIVERED_RATE, LOGIN_ANYWHERE_RATE, LOGIN_RATE, LOOKUP_RATE, Rate,
    SEND_RATE, SIGNAL_RATE,
};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// The rates of one node. `None` where they are switched off.
#[derive(Debug)]
pub(crate) struct Throttle(Option<Rates>);

#[derive(Debug)]
struct Rates {
    clock: DefaultClock,
    sends: DefaultKeyedRateLimiter<UserId>,
    commands: DefaultKeyedRateLimiter<UserId>,
    deliveries: DefaultKeyedRateLimiter<UserId>,
    signals: DefaultKeyedRateLimiter<UserId>,
    lookups: DefaultKeyedRateLimiter<UserId>,
    confirmations: DefaultKeyedRateLimiter<UserId>,
    logins: DefaultKeyedRateLimiter<(String, IpAddr)>,
    logins_anywhere: DefaultKeyedRateLimiter<String>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

/// Too many for now; there is room again after so many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub retry_after_ms: u64,
}

impl Throttle {
    pub(crate) fn new(on: bool) -> Self {
        Self(on.then(|| Rates {
            clock: DefaultClock::default(),
            sends: RateLimiter::keyed(quota(SEND_RATE)),
            commands: RateLimiter::keyed(quota(COMMAND_RATE)),
            deliveries: RateLimiter::keyed(quota(DELIVERED_RATE)),
            signals: RateLimiter::keyed(quota(SIGNAL_RATE)),
            lookups: RateLimiter::keyed(quota(LOOKUP_RATE)),
            confirmations: RateLimiter::keyed(quota(LOGIN_RATE)),
            logins: RateLimiter::keyed(quota(LOGIN_RATE)),
            logins_anywhere: RateLimiter::keyed(quota(LOGIN_ANYWHERE_RATE)),
            addresses: RateLimiter::keyed(quota(ADDRESS_RATE)),
        }))
    }

    pub(crate) fn send(&self, user: UserId) -> Result<(), TooMany> {
        self.check(|rates| &rates.sends, &user)
    }

    pub(crate) fn command(&self, user: UserId) -> Result<(), TooMany> {
        self.check(|rates| &rates.commands, &user)
    }

    pub(crate) fn delivered(&self, user: UserId) -> Result<(), TooMany> {
        self.check(|rates| &rates.deliveries, &user)
    }

    pub(crate) fn signal(&self, user: UserId) -> Result<(), TooMany> {
        self.check(|rates| &rates.signals, &user)
    }

    pub(crate) fn lookup(&self, user: UserId) -> Result<(), TooMany> {
        self.check(|rates| &rates.lookups, &user)
    }

    /// Counts passwords that someone signed in typed to confirm something.
    pub(crate) fn confirm(&self, user: UserId) -> Result<(), TooMany> {
        self.check(|rates| &rates.confirmations, &user)
    }

    /// Counts by the handle that was typed, whether there is such an account or not, and by the
    /// network that it came from. What is refused to a network is not counted for all.
    pub(crate) fn login(&self, handle: &str, address: IpAddr) -> Result<(), TooMany> {
        let handle = handle.to_owned();
        self.check(|rates| &rates.logins, &(handle.clone(), site(address)))?;
        self.check(|rates| &rates.logins_anywhere, &handle)
    }

    pub(crate) fn address(&self, address: IpAddr) -> Result<(), TooMany> {
        self.check(|rates| &rates.addresses, &network(address))
    }

    /// Forgets those who have asked for nothing in a while; called about once a minute.
    pub(crate) fn forget_idle(&self) {
        if let Some(rates) = &self.0 {
            rates.sends.retain_recent();
            rates.commands.retain_recent();
            rates.deliveries.retain_recent();
            rates.signals.retain_recent();
            rates.lookups.retain_recent();
            rates.confirmations.retain_recent();
            rates.logins.retain_recent();
            rates.logins_anywhere.retain_recent();
            rates.addresses.retain_recent();
        }
    }

    fn check<K: Hash + Eq + Clone>(
        &self,
        which: impl Fn(&Rates) -> &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<(), TooMany> {
        let Some(rates) = &self.0 else { return Ok(()) };
        which(rates).check_key(key).map_err(|wait| {
            let wait = wait.wait_time_from(rates.clock.now());
            TooMany { retry_after_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) + 1 }
        })
    }
}

fn quota(rate: Rate) -> Quota {
    let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
    let one = Duration::from_secs_f64(1.0 / rate.per_second);
    Quota::with_period(one).unwrap_or(Quota::per_second(burst)).allow_burst(burst)
}

/// One subscriber of an IPv6 network has a /64 of it.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[4..].fill(0);
            IpAddr::from(segments)
        }
    }
}

/// The addresses that one who has some can change between at will: an IPv4 /24, an IPv6 /48.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[3..].fill(0);
            IpAddr::from(segments)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_burst_it_says_when_to_come_back() {
        let throttle = Throttle::new(true);
        let ann = UserId::new(1_800_000_000_000, 1);
        let admitted = (0..1_000).filter(|_| throttle.send(ann).is_ok()).count();
        assert!((30..40).contains(&admitted), "{admitted}");
        let wait = throttle.send(ann).expect_err("the burst is spent");
        assert!((1..=101).contains(&wait.retry_after_ms), "{wait:?}");
        assert!(throttle.send(UserId::new(1_800_000_000_000, 2)).is_ok(), "others are not touched");
    }

    #[test]
    fn off_is_off() {
        let throttle = Throttle::new(false);
        let address = IpAddr::from([192, 0, 2, 1]);
        assert!((0..10_000).all(|_| throttle.login("ann", address).is_ok()));
    }

    #[test]
    fn who_guesses_keeps_nobody_else_out() {
        let throttle = Throttle::new(true);
        let login = |address: &str| throttle.login("ann", address.parse().expect("an address"));
        let guessed = (0..10_000).filter(|last| login(&format!("192.0.2.{}", last % 256)).is_ok());
        assert!((10..20).contains(&guessed.count()), "a /24 is one");
        assert!(login("198.51.100.1").is_ok(), "ann herself, from elsewhere");
        let guessed = (0..10_000).filter(|at| login(&format!("2001:db8:{at:x}::1")).is_ok());
        assert!((80..=100).contains(&guessed.count()), "all together");
        assert!(throttle.login("bob", IpAddr::from([192, 0, 2, 1])).is_ok(), "another handle");
    }

    #[test]
    fn addresses_of_one_subscriber_are_one() {
        let network = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2:ffff::"));
        assert_ne!(network("2001:db8:1:2::"), network("2001:db8:1:3::"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }
}
