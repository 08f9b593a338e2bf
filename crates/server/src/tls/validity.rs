//! From when until when a certificate is valid: the one field of it that rustls keeps to itself.

/// Unix seconds. From before 1970 is from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub begins_s: u64,
    pub ends_s: u64,
}

/// What clients will not like about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Complaint {
    NotYet,
    EndsSoon { days: u64 },
    Expired,
}

/// What ends sooner should have been renewed by now: the usual tools do it 30 days before.
const SOON_DAYS: u64 = 14;
const DAY_S: u64 = 24 * 3600;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The `version` of a certificate, which is left out where it is 1.
const VERSION: u8 = 0xa0;

impl Validity {
    /// Reads down to the field (RFC 5280, 4.1) of a certificate in DER.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate, _) = element(certificate)?;
        let (_, mut rest, _) = element(certificate)?;
        if rest.first() == Some(&VERSION) {
            rest = element(rest)?.2;
        }
        // Its serial number, how it is signed, and by whom.
        for _ in 0..3 {
            rest = element(rest)?.2;
        }
        let (SEQUENCE, validity, _) = element(rest)? else {
            return None;
        };
        let (kind, begins, rest) = element(validity)?;
        let begins_s = seconds(kind, begins)?;
        let (kind, ends, _) = element(rest)?;
        Some(Self { begins_s, ends_s: seconds(kind, ends)? })
    }

    /// What there is to say against it at this time.
    pub(super) fn complaint(self, now_s: u64) -> Option<Complaint> {
        if now_s < self.begins_s {
            return Some(Complaint::NotYet);
        }
        match self.ends_s.checked_sub(now_s) {
            None | Some(0) => Some(Complaint::Expired),
            Some(left_s) if left_s <= SOON_DAYS * DAY_S => {
                Some(Complaint::EndsSoon { days: left_s / DAY_S })
            }
            Some(_) => None,
        }
    }
}

/// The tag of the first element, what is in it, and what follows it (X.690, 8.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        ..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (inside, after) = rest.split_at_checked(length)?;
    Some((tag, inside, after))
}

/// `YYMMDDHHMMSSZ`, or the same with four digits of the year (RFC 5280, 4.1.2.5).
fn seconds(kind: u8, time: &[u8]) -> Option<u64> {
    let digits = time.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
    let (year, rest) = match (kind, digits.len()) {
        (UTC_TIME, 12) => match number(&digits[..2]) {
            late @ ..50 => (2000 + late, &digits[2..]),
            early => (1900 + early, &digits[2..]),
        },
        (GENERALIZED_TIME, 14) => (number(&digits[..4]), &digits[4..]),
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(&rest[at..at + 2]));
    let days = days_since_1970(year, month, day)?;
    Some(u64::try_from(((days * 24 + hour) * 60 + minute) * 60 + second).unwrap_or(0))
}

/// Days of the Gregorian calendar, with years that begin in March, so that a leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let before_month = (153 * ((month + 9) % 12) + 2) / 5;
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(days + before_month + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn validity(begins: (i32, u8, u8), ends: (i32, u8, u8)) -> Option<Validity> {
        let mut params = CertificateParams::new(vec!["localhost".into()]).expect("a name");
        params.not_before = date_time_ymd(begins.0, begins.1, begins.2);
        params.not_after = date_time_ymd(ends.0, ends.1, ends.2);
        let key = KeyPair::generate().expect("a key");
        Validity::of(params.self_signed(&key).expect("a certificate").der())
    }

    #[test]
    fn both_ends_are_read_in_both_forms() {
        let of = |begins_s, ends_s| Some(Validity { begins_s, ends_s });
        assert_eq!(validity((1970, 1, 1), (2000, 2, 29)), of(0, 951_782_400));
        assert_eq!(validity((2026, 11, 27), (2049, 12, 31)), of(1_795_737_600, 2_524_521_600));
        assert_eq!(validity((2050, 1, 1), (2100, 3, 1)), of(2_524_608_000, 4_107_542_400));
        assert_eq!(validity((1969, 12, 31), (9999, 12, 31)), of(0, 253_402_214_400));
    }

    #[test]
    fn it_is_complained_of_before_its_time_and_from_a_fortnight_before_its_end() {
        let it = Validity { begins_s: 100 * DAY_S, ends_s: 190 * DAY_S };
        assert_eq!(it.complaint(100 * DAY_S - 1), Some(Complaint::NotYet));
        assert_eq!(it.complaint(100 * DAY_S), None);
        assert_eq!(it.complaint(176 * DAY_S - 1), None);
        assert_eq!(it.complaint(176 * DAY_S), Some(Complaint::EndsSoon { days: 14 }));
        assert_eq!(it.complaint(190 * DAY_S - 1), Some(Complaint::EndsSoon { days: 0 }));
        assert_eq!(it.complaint(190 * DAY_S), Some(Complaint::Expired));
    }

    #[test]
    fn what_is_no_certificate_has_none() {
        let good = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("one");
        let der = good.cert.der();
        assert!(Validity::of(der).is_some());
        for end in 0..100 {
            assert_eq!(Validity::of(&der[..end]), None);
        }
        assert_eq!(Validity::of(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(seconds(UTC_TIME, b"261332000000Z"), None);
        assert_eq!(seconds(UTC_TIME, b"26113200000+Z"), None);
    }
}
