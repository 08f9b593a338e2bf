//! Passwords: hashed with Argon2id on threads of their own, few and idle by policy (`SCHED_IDLE`, see
//! sched(7)): the moment anyone else has something to do they stand aside. A nice value of 19 is not
//! enough, since whoever wakes then waits until the hashing thread's slice has ended, which is
//! milliseconds, and a message wakes three threads.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use chinwag_core::limit::HASH_QUEUE_MAX;
use chinwag_core::text::Password;
use chinwag_store::write::PasswordHash;
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::oneshot;

/// What a handle that does not exist is compared with, so that it takes as long: the parameters of
/// [`hash`], and a hash that no password is known to have.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y2hpbndhZ2NoaW53YWc$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What a hashing thread is asked.
enum Job {
    Hash(Password, oneshot::Sender<PasswordHash>),
    Verify(Password, PasswordHash, oneshot::Sender<bool>),
}

/// The hashing threads: one for every two processors, at least one. The default parameters are
/// those that OWASP names (Argon2id, 19 MiB, two passes, one lane).
#[derive(Clone)]
pub(crate) struct Passwords {
    queue: Arc<(Mutex<VecDeque<Job>>, Condvar)>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords(…)")
    }
}

/// Too many wait to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFull;

impl Passwords {
    /// Starts the threads. They end with the process.
    pub(crate) fn start() -> std::io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let queue = Arc::new((Mutex::new(VecDeque::new()), Condvar::new()));
        for number in 0..(processors / 2).max(1) {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&queue))?;
        }
        Ok(Self { queue })
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, QueueFull> {
        let (answer, wait) = oneshot::channel();
        self.submit(Job::Hash(password, answer))?;
        wait.await.map_err(|_| QueueFull)
    }

    /// Compares a typed password with the kept one, or with a decoy where there is none: both take
    /// the same time. The kept one, where it is the same: what rests on it names it to the writer.
    pub(crate) async fn verify(
        &self,
        password: Password,
        kept: Option<PasswordHash>,
    ) -> Result<Option<PasswordHash>, QueueFull> {
        let (answer, wait) = oneshot::channel();
        let compared = kept.clone().unwrap_or_else(|| PasswordHash(DECOY.to_owned()));
        self.submit(Job::Verify(password, compared, answer))?;
        let matches = wait.await.map_err(|_| QueueFull)?;
        Ok(kept.filter(|_| matches))
    }

    fn submit(&self, job: Job) -> Result<(), QueueFull> {
        let (queue, more) = &*self.queue;
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= HASH_QUEUE_MAX {
            return Err(QueueFull);
        }
        queue.push_back(job);
        more.notify_one();
        Ok(())
    }
}

fn work(queue: &(Mutex<VecDeque<Job>>, Condvar)) {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let done = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    if let Err(error) = done {
        tracing::warn!(%error, "the hashing threads run at ordinary priority");
    }
    loop {
        let (jobs, more) = queue;
        let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let job = loop {
            match jobs.pop_front() {
                Some(job) => break job,
                None => jobs = more.wait(jobs).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(jobs);
        match job {
            Job::Hash(_, answer) if answer.is_closed() => {}
            Job::Verify(_, _, answer) if answer.is_closed() => {}
            Job::Hash(password, answer) => {
                let _ = answer.send(PasswordHash(hash(password.expose())));
            }
            Job::Verify(password, kept, answer) => {
                let _ = answer.send(verify(&password, &kept));
            }
        }
    }
}

fn hash(password: &str) -> String {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.expect("Argon2's own parameters are in its range").to_string()
}

fn verify(password: &Password, kept: &PasswordHash) -> bool {
    let Ok(kept) = Phc::new(&kept.0) else {
        tracing::error!("a kept password hash cannot be read");
        return false;
    };
    Argon2::default().verify_password(password.expose().as_bytes(), &kept).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(phc: &str) -> Vec<&str> {
        phc.split('$').take(4).collect()
    }

    #[test]
    fn a_password_is_known_again_and_no_other_is() {
        let typed = |text: &str| Password::typed(text.to_owned()).expect("a password");
        let kept = PasswordHash(hash("correct horse"));
        assert!(verify(&typed("correct horse"), &kept));
        assert!(!verify(&typed("correct horsf"), &kept));
    }

    #[test]
    fn the_decoy_costs_what_a_password_costs() {
        assert_eq!(parameters(DECOY), parameters(&hash("x")));
        let decoy = Phc::new(DECOY).expect("the decoy is well formed");
        assert_eq!(decoy.hash.map(|hash| hash.len()), Some(32));
    }
}
