//! A small authority that gives certificates by ACME (RFC 8555): one account, one order at a time, and a real
//! look at the host by TLS-ALPN-01 (RFC 8737). It believes signatures; all else it holds a client to.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, IsCa,
    Issuer, KeyPair,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{
    CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer, ServerName, UnixTime,
};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection,
    SignatureScheme, StreamOwned,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::DEADLINE;

const HEAD_BYTES_MAX: usize = 16 * 1024;
/// `id-pe-acmeIdentifier`, critical, and an octet string of 32 bytes in another (RFC 8737, 3).
const ACME_IDENTIFIER: [u8; 17] = [
    0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f, 0x01, 0x01, 0xff, 0x04, 0x22, 0x04,
    0x20,
];

/// A running authority. It listens until the process ends.
#[derive(Debug)]
pub struct Authority {
    /// What `--acme-directory` wants.
    pub directory: String,
    /// What `--acme-root` wants: by this certificate the authority and all that it gives are known.
    pub root: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Where the one who asks for a certificate is looked for in place of port 443.
    looked_for_at: OnceLock<SocketAddr>,
    refuses: AtomicBool,
    accounts: AtomicUsize,
    given: AtomicUsize,
}

impl Authority {
    /// Starts one for the host `localhost`, whose certificates live for so long.
    ///
    /// # Panics
    /// Where it cannot start.
    #[must_use]
    pub fn start(folder: &Path, lifetime: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let directory =
            format!("https://{}/directory", listener.local_addr().expect("it is bound"));
        let (issuer, root) = root();
        let file = folder.join("authority.pem");
        std::fs::write(&file, root.pem()).expect("the folder is the test's own");
        let shared = Arc::<Shared>::default();
        let office = Office::new(&directory, issuer, lifetime, Arc::clone(&shared));
        std::thread::spawn(move || office.open(&listener));
        Self { directory, root: file, shared }
    }

    /// Says where the host is to be looked for; until then a look waits.
    pub fn look_at(&self, address: SocketAddr) {
        self.shared.looked_for_at.get_or_init(|| address);
    }

    /// Gives nothing any more, or again.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Accounts that were made, and certificates that were given.
    #[must_use]
    pub fn done(&self) -> (usize, usize) {
        (self.shared.accounts.load(Ordering::Relaxed), self.shared.given.load(Ordering::Relaxed))
    }
}

/// What happens behind the counter, on one thread.
struct Office {
    url: String,
    issuer: Issuer<'static, KeyPair>,
    lifetime: Duration,
    shared: Arc<Shared>,
    nonces: BTreeSet<String>,
    thumbprint: String,
    order: Order,
}

#[derive(Default)]
struct Order {
    status: &'static str,
    authorized: bool,
    chain: String,
}

/// A request: its method, its path, and what of a signed body matters.
struct Asked {
    method: String,
    path: String,
    body: Value,
}

struct Answer {
    status: &'static str,
    location: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(status: &'static str, body: &Value) -> Self {
        Self { status, location: None, body: body.to_string().into_bytes() }
    }

    fn problem(kind: &str, detail: &str) -> Self {
        let kind = format!("urn:ietf:params:acme:error:{kind}");
        Self::json("403 Forbidden", &json!({"type": kind, "detail": detail, "status": 403}))
    }

    fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }
}

impl Office {
    fn new(
        directory: &str,
        issuer: Issuer<'static, KeyPair>,
        lifetime: Duration,
        shared: Arc<Shared>,
    ) -> Self {
        let url = directory.trim_end_matches("/directory").to_owned();
        let (nonces, thumbprint, order) = Default::default();
        Self { url, issuer, lifetime, shared, nonces, thumbprint, order }
    }

    fn open(mut self, listener: &TcpListener) {
        let pair = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        let own = params.signed_by(&pair, &self.issuer).expect("a certificate");
        let config = server_config(&own, &pair);
        for stream in listener.incoming().map_while(Result::ok) {
            // A client that goes away in the middle is not this authority's trouble.
            let _ = self.serve(stream, &config);
        }
    }

    fn serve(&mut self, tcp: TcpStream, config: &Arc<ServerConfig>) -> io::Result<()> {
        tcp.set_read_timeout(Some(DEADLINE))?;
        let tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(tls, tcp);
        let asked = read(&mut stream)?;
        let answer = self.answer(&asked);
        let nonce = format!("nonce{}", self.nonces.len());
        let mut head = format!("HTTP/1.1 {}\r\nReplay-Nonce: {nonce}\r\n", answer.status);
        self.nonces.insert(nonce);
        if let Some(location) = &answer.location {
            head.push_str(&format!("Location: {location}\r\n"));
        }
        let length = answer.body.len();
        head.push_str(&format!("Content-Length: {length}\r\nConnection: close\r\n\r\n"));
        stream.write_all(head.as_bytes())?;
        if asked.method != "HEAD" {
            stream.write_all(&answer.body)?;
        }
        stream.conn.send_close_notify();
        stream.flush()
    }

    fn answer(&mut self, asked: &Asked) -> Answer {
        match asked.path.as_str() {
            "/directory" => Answer::json("200 OK", &self.directory()),
            "/nonce" => Answer::json("200 OK", &json!({})),
            _ if self.shared.refuses.load(Ordering::Relaxed) => {
                Answer::problem("unauthorized", "not today")
            }
            _ => self.signed(asked).unwrap_or_else(|wrong| Answer::problem("malformed", &wrong)),
        }
    }

    fn directory(&self) -> Value {
        let at = |path| format!("{}{path}", self.url);
        json!({"newNonce": at("/nonce"), "newAccount": at("/account"), "newOrder": at("/order"),
            "revokeCert": at("/revoke"), "keyChange": at("/key"), "meta": {}})
    }

    fn signed(&mut self, asked: &Asked) -> Result<Answer, String> {
        let part = |name: &str| -> Result<Vec<u8>, String> {
            let text = asked.body[name].as_str().ok_or(format!("{name} is missing"))?;
            BASE64.decode(text).map_err(|error| error.to_string())
        };
        let head: Value = serde_json::from_slice(&part("protected")?).map_err(|e| e.to_string())?;
        let url = format!("{}{}", self.url, asked.path);
        if head["url"] != url || part("signature")?.is_empty() {
            return Err(format!("it is not signed for {url}"));
        }
        if !self.nonces.remove(head["nonce"].as_str().unwrap_or_default()) {
            return Err("the nonce is not one of ours, or was used".to_owned());
        }
        let payload = part("payload")?;
        let payload: Value = serde_json::from_slice(&payload).unwrap_or_default();
        self.office(&asked.path, &head, &payload)
    }

    fn office(&mut self, path: &str, head: &Value, payload: &Value) -> Result<Answer, String> {
        let at = |path| format!("{}{path}", self.url);
        match path {
            "/account" => {
                if payload["termsOfServiceAgreed"] != true {
                    return Err("the terms are not agreed to".to_owned());
                }
                self.thumbprint = thumbprint(&head["jwk"]);
                self.shared.accounts.fetch_add(1, Ordering::Relaxed);
                let location = at("/account/1");
                Ok(Answer::json("201 Created", &json!({"status": "valid"})).at(location))
            }
            _ if head["kid"] != at("/account/1") => Err("no account".to_owned()),
            "/order" => {
                self.order = Order { status: "pending", ..Order::default() };
                Ok(Answer::json("201 Created", &self.shown_order()).at(at("/order/1")))
            }
            "/order/1" => Ok(Answer::json("200 OK", &self.shown_order())),
            "/authorization/1" => Ok(Answer::json("200 OK", &self.authorization())),
            "/challenge/1" => {
                self.look()?;
                (self.order.status, self.order.authorized) = ("ready", true);
                Ok(Answer::json("200 OK", &self.challenge()))
            }
            "/finalize/1" if self.order.authorized => {
                self.order.chain = self.give(payload["csr"].as_str().unwrap_or_default())?;
                self.order.status = "valid";
                Ok(Answer::json("200 OK", &self.shown_order()))
            }
            "/certificate/1" => {
                let body = self.order.chain.clone().into_bytes();
                Ok(Answer { status: "200 OK", location: None, body })
            }
            _ => Err(format!("there is no {path}")),
        }
    }

    fn shown_order(&self) -> Value {
        let at = |path| format!("{}{path}", self.url);
        let mut order = json!({"status": self.order.status, "finalize": at("/finalize/1"),
            "identifiers": [{"type": "dns", "value": "localhost"}],
            "authorizations": [at("/authorization/1")]});
        if self.order.status == "valid" {
            order["certificate"] = at("/certificate/1").into();
        }
        order
    }

    fn authorization(&self) -> Value {
        let status = if self.order.authorized { "valid" } else { "pending" };
        json!({"status": status, "identifier": {"type": "dns", "value": "localhost"},
            "challenges": [self.challenge()]})
    }

    fn challenge(&self) -> Value {
        let status = if self.order.authorized { "valid" } else { "pending" };
        json!({"type": "tls-alpn-01", "status": status, "token": "token",
            "url": format!("{}/challenge/1", self.url)})
    }

    /// Looks whether the host shows the digest of the token and the account's key.
    fn look(&self) -> Result<(), String> {
        let address = *self.shared.looked_for_at.wait();
        let shown = shown(address).map_err(|error| format!("nobody is there: {error}"))?;
        let digest = Sha256::digest(format!("token.{}", self.thumbprint));
        let wanted = [&ACME_IDENTIFIER[..], &digest[..]].concat();
        let is_there = shown.windows(wanted.len()).any(|window| window == wanted);
        is_there.then_some(()).ok_or("it shows another digest".to_owned())
    }

    fn give(&self, csr: &str) -> Result<String, String> {
        let csr = BASE64.decode(csr).map_err(|error| error.to_string())?;
        let csr = CertificateSigningRequestDer::from(csr);
        let wrong = |error: rcgen::Error| error.to_string();
        let mut csr = CertificateSigningRequestParams::from_der(&csr).map_err(wrong)?;
        let now = SystemTime::now();
        csr.params.not_before = now.into();
        csr.params.not_after = (now + self.lifetime).into();
        let given = csr.signed_by(&self.issuer).map_err(wrong)?;
        self.shared.given.fetch_add(1, Ordering::Relaxed);
        Ok(given.pem())
    }
}

fn root() -> (Issuer<'static, KeyPair>, Certificate) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pair = KeyPair::generate().expect("a key");
    let root = params.self_signed(&pair).expect("a certificate");
    (Issuer::new(params, pair), root)
}

fn server_config(own: &Certificate, pair: &KeyPair) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().expect("versions of TLS");
    let key = PrivatePkcs8KeyDer::from(pair.serialize_der()).into();
    let config = builder.with_no_client_auth().with_single_cert(vec![own.der().clone()], key);
    Arc::new(config.expect("a certificate and its key"))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(stream: &mut impl io::Read) -> io::Result<Asked> {
    let mut bytes = Vec::new();
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if let Ok(httparse::Status::Complete(head)) = request.parse(&bytes) {
            let length =
                request.headers.iter().find(|it| it.name.eq_ignore_ascii_case("content-length"));
            let length = length.and_then(|it| std::str::from_utf8(it.value).ok()?.parse().ok());
            let (method, path) =
                (request.method.unwrap_or_default(), request.path.unwrap_or_default());
            let (method, path) = (method.to_owned(), path.to_owned());
            let body_end = head + length.unwrap_or(0);
            while bytes.len() < body_end {
                more(stream, &mut bytes)?;
            }
            let body = serde_json::from_slice(&bytes[head..body_end]).unwrap_or_default();
            return Ok(Asked { method, path, body });
        }
        more(stream, &mut bytes)?;
    }
}

fn more(stream: &mut impl io::Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 4096];
    let read = stream.read(&mut chunk)?;
    if read == 0 || bytes.len() > HEAD_BYTES_MAX {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.extend_from_slice(&chunk[..read]);
    Ok(())
}

/// RFC 7638: the members that matter, in order.
fn thumbprint(jwk: &Value) -> String {
    let text = format!(
        r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#,
        jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]
    );
    BASE64.encode(Sha256::digest(text))
}

/// What a host shows to an authority, whoever it is.
fn shown(address: SocketAddr) -> io::Result<Vec<u8>> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let verifier = Arc::new(Anybody(provider()));
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut tcp = TcpStream::connect_timeout(&address, DEADLINE)?;
    tcp.set_read_timeout(Some(DEADLINE))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp)?;
    }
    if tls.alpn_protocol() != Some(b"acme-tls/1") {
        return Err(io::Error::other("it does not speak acme-tls/1"));
    }
    let chain = tls.peer_certificates().unwrap_or_default();
    Ok(chain.first().map(|own| own.to_vec()).unwrap_or_default())
}

/// Takes whoever answers: what is looked at is what the certificate says. Its signature cannot be checked
/// here, since rustls reads no certificate with an extension that it does not know and must.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
