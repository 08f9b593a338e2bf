//! Many times, kept in little: 64 steps to each doubling, so a figure is right to 1.6 %.

/// Bits of a time that are kept behind its leading one.
const STEP_BITS: u32 = 6;
const STEPS: usize = 1 << STEP_BITS;
/// Doublings above the first 64 ns: up to an hour.
const DOUBLINGS: usize = 36;

/// How often each time came up. Times are nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; STEPS * (DOUBLINGS + 1)], total: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, ns: u64) {
        let bucket = bucket(ns).min(self.counts.len() - 1);
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// Takes over what another counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
    }

    /// The time that this share of all (0 to 1) did not exceed, in microseconds; none when empty.
    pub(crate) fn quantile_us(&self, share: f64) -> Option<f64> {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let at = self.counts.iter().position(|&count| {
            seen += u64::from(count);
            seen >= rank
        })?;
        Some(middle_ns(at) / 1_000.0)
    }
}

fn bucket(ns: u64) -> usize {
    if ns < STEPS as u64 {
        return ns as usize;
    }
    let doubling = ns.ilog2() - STEP_BITS;
    let step = (ns >> doubling) as usize - STEPS;
    (doubling as usize + 1) * STEPS + step
}

fn middle_ns(bucket: usize) -> f64 {
    if bucket < STEPS {
        return bucket as f64;
    }
    let (doubling, step) = (bucket / STEPS - 1, bucket % STEPS);
    let width = (1_u64 << doubling) as f64;
    (STEPS + step) as f64 * width + width / 2.0
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn a_quantile_is_right_to_two_percent() {
        let mut times = Histogram::default();
        for us in 1..=1_000_u64 {
            times.record(us * 1_000);
        }
        for (share, us) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found: f64 = times.quantile_us(share).expect("it is not empty");
            assert!((found / us - 1.0).abs() < 0.02, "{share}: {found}");
        }
    }

    #[test]
    fn nothing_recorded_has_no_quantile_and_the_longest_time_has_a_place() {
        let mut times = Histogram::default();
        assert_eq!(times.quantile_us(0.5), None);
        times.record(u64::MAX);
        assert!(times.quantile_us(0.5).is_some());
    }
}
