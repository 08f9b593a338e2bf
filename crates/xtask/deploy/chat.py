"""Two people who talk, through whatever stands in front of the server."""

import json
import ssl
import urllib.error
import urllib.request
import uuid

from websockets.sync.client import connect

from tests import PATIENCE_S

PASSWORD = "correct horse battery staple"


class Site:
    """An origin such as https://localhost:8443, and the certificate that it may show."""

    def __init__(self, origin, certificate=None):
        self.origin = origin
        self.tls = ssl.create_default_context(cafile=certificate) if certificate else None
        # No proxy of the machine's between us and our own.
        handlers = [urllib.request.ProxyHandler({})]
        if self.tls:
            handlers.append(urllib.request.HTTPSHandler(context=self.tls))
        self.opener = urllib.request.build_opener(*handlers)

    def ask(self, method, path, body=None, token=None, headers=None):
        """The answer's JSON, or its text."""
        request = urllib.request.Request(self.origin + path, method=method, headers=headers or {})
        request.add_header("Origin", self.origin)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with self.opener.open(request, timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
            is_json = "json" in (answer.headers["Content-Type"] or "")
            return json.loads(text) if is_json else text

    def status(self, path):
        try:
            self.ask("GET", path)
            return 200
        except urllib.error.HTTPError as error:
            return error.code

    def register(self, handle, invite=None):
        body = {"handle": handle, "password": PASSWORD, "invite": invite}
        return self.ask("POST", "/v1/auth/register", {k: v for k, v in body.items() if v})["access_token"]

    def socket(self, token):
        """A WebSocket that is ready, and what `ready` said."""
        url = "ws" + self.origin.removeprefix("http") + "/v1/ws"
        socket = connect(
            url,
            ssl=self.tls,
            origin=self.origin,
            subprotocols=["chinwag.v1"],
            open_timeout=PATIENCE_S,
            proxy=None,
        )
        say(socket, type="hello", token=token)
        return socket, wait_for(socket, type="ready")


def say(socket, **frame):
    socket.send(json.dumps(frame))


def wait_for(socket, **wanted):
    """The next frame that has these fields."""
    while True:
        frame = json.loads(socket.recv(timeout=PATIENCE_S))
        if all(frame.get(key) == value for key, value in wanted.items()):
            return frame


def two_people_talk(site, first_invite=None):
    """From a new installation to a message that the other one has. Gives the first one's token."""
    ann = site.register("ann", first_invite)
    invite = site.ask("POST", "/v1/invites", {}, token=ann)["code"]
    ben = site.register("ben", invite)
    here, ready = site.socket(ann)
    there, _ = site.socket(ben)
    with here, there:
        room = next(it["id"] for it in ready["rooms"] if it["name"] == "general")
        say(here, type="message.send", ref=1, room=room, key=uuid7(), text="hello, Ben")
        assert wait_for(here, type="reply", ref=1)["n"] == 1
        event = wait_for(there, type="event", kind="message")
        assert event["body"] == {"text": "hello, Ben"}
    return ann


def uuid7():
    """A key: a UUID whose version says 7."""
    return str(uuid.UUID(int=uuid.uuid4().int & ~(0xF << 76) | 7 << 76))
