//! Someone at the REST door: each command is tried with the same key until it is answered.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use chinwag_core::id::{Key, RoomId, Seq, UserId};
use chinwag_proto::code::ErrorCode;
use chinwag_testkit::ledger::{DeviceId, Entry, text_hash};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::{Answer, Http};
use crate::journal::{Journal, count};
use crate::server::Life;

/// A person's program without a state of its own.
pub(crate) struct Caller {
    pub(crate) id: DeviceId,
    token: String,
    http: Http,
    journal: Rc<Journal>,
    life: Life,
}

impl Caller {
    pub(crate) fn new(
        id: DeviceId,
        token: String,
        address: SocketAddr,
        journal: Rc<Journal>,
        life: Life,
    ) -> Self {
        Self { id, token, http: Http::new(address), journal, life }
    }

    pub(crate) fn journal(&self) -> Rc<Journal> {
        Rc::clone(&self.journal)
    }

    /// Tries until there is an answer that is not for now.
    pub(crate) async fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        loop {
            let up = self.life.wait_for(Option::is_some).await;
            drop(up.expect("the server outlives those who call it"));
            let Ok(answer) = self.try_call(method, path, body).await else {
                count(&self.journal.unknown);
                tokio::task::yield_now().await;
                continue;
            };
            match answer.retry_after() {
                Some(wait) => crate::rest(wait).await,
                None => return answer,
            }
        }
    }

    async fn try_call(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<Answer> {
        self.http.ready().await?;
        let said = self.http.say(method, path, Some(&self.token), body).await;
        let answer = match said {
            Ok(()) => self.http.answer().await,
            Err(error) => Err(error),
        };
        self.journal.requests.ended(answer.is_ok());
        if answer.as_ref().is_ok_and(|answer| answer.body["code"] == "unavailable") {
            count(&self.journal.unavailable);
        }
        self.journal.changed();
        answer
    }

    /// Something that must be there.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> T {
        let answer = self.call("GET", path, None).await;
        assert!(answer.is_success(), "GET {path}: {} {}", answer.status, answer.body);
        serde_json::from_value(answer.body).expect("the answer is of the type that is promised")
    }

    /// Posts a message; the event's number, or why not.
    pub(crate) async fn post(&mut self, room: RoomId, text: &str) -> Result<Seq, ErrorCode> {
        let key = self.journal.key();
        self.note(Entry::Asked { room, key, hash: text_hash(text) });
        let body = json!({ "key": key, "text": text });
        let answer = self.call("POST", &format!("/v1/rooms/{room}/messages"), Some(&body)).await;
        if answer.is_success() {
            let seq = serde_json::from_value(answer.body["seq"].clone()).expect("a number");
            self.note(Entry::Done { room, key, seq: Some(seq) });
            count(&self.journal.done);
            if answer.status == 200 {
                count(&self.journal.repeated);
            }
            return Ok(seq);
        }
        let code = code(&answer);
        self.note(Entry::Refused { room, key, code });
        Err(code)
    }

    pub(crate) async fn delete(&mut self, room: RoomId, target: Seq) -> Result<(), ErrorCode> {
        self.membership("DELETE", &format!("/v1/rooms/{room}/messages/{target}")).await
    }

    pub(crate) async fn join(&mut self, room: RoomId) -> Result<(), ErrorCode> {
        self.membership("POST", &format!("/v1/rooms/{room}/join")).await?;
        self.note(Entry::Joined { room, user: self.id.user });
        Ok(())
    }

    pub(crate) async fn leave(&mut self, room: RoomId) -> Result<(), ErrorCode> {
        self.membership("POST", &format!("/v1/rooms/{room}/leave")).await?;
        self.note(Entry::Left { room, user: self.id.user });
        Ok(())
    }

    pub(crate) async fn add(&mut self, room: RoomId, user: UserId) -> Result<(), ErrorCode> {
        self.membership("PUT", &format!("/v1/rooms/{room}/members/{user}")).await?;
        self.note(Entry::Joined { room, user });
        Ok(())
    }

    pub(crate) async fn remove(&mut self, room: RoomId, user: UserId) -> Result<(), ErrorCode> {
        self.membership("DELETE", &format!("/v1/rooms/{room}/members/{user}")).await?;
        self.note(Entry::Left { room, user });
        Ok(())
    }

    /// Makes a room, which is there under this key only once.
    pub(crate) async fn create(&mut self, kind: &str, members: &[UserId]) -> RoomId {
        let key: Key = self.journal.key();
        let name = (kind != "direct").then(|| format!("{kind} {key}"));
        let body = json!({ "key": key, "kind": kind, "name": name, "members": members });
        let answer = self.call("POST", "/v1/rooms", Some(&body)).await;
        assert!(answer.is_success(), "a {kind} was not made: {} {}", answer.status, answer.body);
        serde_json::from_value(answer.body["id"].clone()).expect("a room has an id")
    }

    async fn membership(&mut self, method: &str, path: &str) -> Result<(), ErrorCode> {
        let body = json!({ "key": self.journal.key() });
        let answer = self.call(method, path, Some(&body)).await;
        if answer.is_success() {
            count(&self.journal.done);
            return Ok(());
        }
        Err(code(&answer))
    }

    fn note(&self, entry: Entry) {
        self.journal.note(self.id, entry);
    }
}

fn code(answer: &Answer) -> ErrorCode {
    let code = serde_json::from_value(answer.body["code"].clone());
    code.unwrap_or_else(|_| panic!("no code in {} {}", answer.status, answer.body))
}
