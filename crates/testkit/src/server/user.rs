//! Someone signed in.

use chinwag_core::id::{RoomId, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Door, Request, Socket, Stream, fresh_key};

/// A user with a session. Another [`User::sign_in`] is another device.
#[derive(Debug, Clone)]
pub struct User {
    door: Door,
    pub id: UserId,
    pub handle: String,
    pub password: String,
    /// The access token.
    pub token: String,
    pub refresh_token: String,
}

/// An id in an answer.
///
/// # Panics
/// Where it is none.
#[must_use]
pub fn id<T: DeserializeOwned>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|_| panic!("{value} is no id"))
}

impl User {
    /// The user whom an answer of the sign-in names. The refresh token is empty where a cookie has it.
    #[must_use]
    pub fn of_tokens(door: &Door, password: &str, tokens: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            door: door.clone(),
            id: id(&tokens["user"]["id"]),
            handle: text(&tokens["user"]["handle"]),
            password: password.to_owned(),
            token: text(&tokens["access_token"]),
            refresh_token: text(&tokens["refresh_token"]),
        }
    }

    /// Another session of the same user.
    #[must_use]
    pub fn sign_in(&self) -> Self {
        let body = json!({"handle": self.handle, "password": self.password, "refresh": "body"});
        let request = self.door.request("POST", "/v1/auth/login").json(&body);
        Self::of_tokens(&self.door, &self.password, &request.expect(200).json())
    }

    /// The room of notes to oneself.
    #[must_use]
    pub fn self_room(&self) -> RoomId {
        RoomId::of_self(self.id)
    }

    /// Where this user's server listens.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// A request with the access token.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.door.request(method, path).token(&self.token)
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Request {
        self.request("POST", path).json(body)
    }

    pub fn put(&self, path: &str, body: &Value) -> Request {
        self.request("PUT", path).json(body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Request {
        self.request("PATCH", path).json(body)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    /// A group that this user owns.
    #[must_use]
    pub fn group(&self, name: &str, members: &[&Self]) -> RoomId {
        let members: Vec<UserId> = members.iter().map(|user| user.id).collect();
        self.room(&json!({"kind": "group", "name": name, "members": members}))
    }

    /// A channel that this user owns.
    #[must_use]
    pub fn channel(&self, name: &str) -> RoomId {
        self.room(&json!({"kind": "channel", "name": name}))
    }

    /// The direct room of the two, new or not.
    #[must_use]
    pub fn direct(&self, other: &Self) -> RoomId {
        let body = json!({"kind": "direct", "members": [other.id]});
        id(&self.post("/v1/rooms", &body).send().json()["id"])
    }

    fn room(&self, body: &Value) -> RoomId {
        id(&self.post("/v1/rooms", body).expect(201).json()["id"])
    }

    /// `general`.
    #[must_use]
    pub fn general(&self) -> RoomId {
        let rooms = self.get("/v1/rooms").expect(200).json();
        let rooms = rooms["rooms"].as_array().cloned().unwrap_or_default();
        let general = rooms.iter().find(|room| room["name"] == "general");
        id(&general.expect("everyone starts in general")["id"])
    }

    /// Posts a message; its `seq`.
    pub fn say(&self, room: RoomId, text: &str) -> u64 {
        let path = format!("/v1/rooms/{room}/messages");
        let posted = self.post(&path, &json!({"key": fresh_key(), "text": text}));
        posted.expect(201).json()["seq"].as_u64().expect("a message has a seq")
    }

    pub fn join(&self, room: RoomId) {
        self.request("POST", &format!("/v1/rooms/{room}/join")).expect(201);
    }

    pub fn leave(&self, room: RoomId) {
        self.request("POST", &format!("/v1/rooms/{room}/leave")).expect(201);
    }

    /// Makes someone a member, or gives another role.
    pub fn put_member(&self, room: RoomId, user: &Self, role: &str) {
        let path = format!("/v1/rooms/{room}/members/{}", user.id);
        self.put(&path, &json!({ "role": role })).expect(201);
    }

    /// Removes a member.
    pub fn remove_member(&self, room: RoomId, user: &Self) {
        self.delete(&format!("/v1/rooms/{room}/members/{}", user.id)).expect(201);
    }

    /// The room as this user sees it.
    #[must_use]
    pub fn see(&self, room: RoomId) -> Value {
        self.get(&format!("/v1/rooms/{room}")).expect(200).json()
    }

    /// A socket of this session that is `ready`.
    #[must_use]
    pub fn socket(&self) -> Socket {
        self.socket_ready().0
    }

    /// The same, with its `ready`.
    #[must_use]
    pub fn socket_ready(&self) -> (Socket, Value) {
        let mut socket = Socket::open(&self.door);
        let ready = socket.hello(&json!({"token": self.token}));
        (socket, ready)
    }

    /// A request for an event stream of this session.
    pub fn stream_request(&self, cursors: &Value) -> Request {
        let hello = json!({"token": self.token, "cursors": cursors});
        self.door.request("POST", "/v1/stream").json(&hello)
    }

    /// An event stream of this session that is `ready`.
    #[must_use]
    pub fn stream(&self) -> Stream {
        self.stream_ready().0
    }

    /// The same, with its `ready`.
    #[must_use]
    pub fn stream_ready(&self) -> (Stream, Value) {
        let mut stream = Stream::open(&self.door, &self.stream_request(&json!([])));
        let ready = stream.expect("ready");
        (stream, ready)
    }
}
