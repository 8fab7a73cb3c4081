//! Every route and door of the table, asked for by everyone who might: nobody, strangers, those with too little, those from
//! another page. And logging in: how, how often, and for how long.

mod device;

use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use device::Device;
use device::PATIENCE;
use lookout::clock::SimClock;
use lookout::clock::Timestamp;
use lookout::clock::Wall;
use lookout::identity::Accounts;
use lookout::identity::Auth;
use lookout::identity::Scope;
use lookout::limits::LOGIN_FAILURES_FREE;
use lookout::web;
use lookout::web::RouteInfo;
use lookout::web::Settings;
use serde_json::Value;
use serde_json::json;

const PASSWORD: &str = "correct horse";

/// A claimed device, and one of every kind of credential.
struct Claimed {
    device: Device,
    clock: SimClock,
    session: String,
}

impl Claimed {
    fn new() -> Claimed {
        Claimed::with(Settings::default())
    }

    fn with(settings: Settings) -> Claimed {
        let clock = SimClock::new(Wall {
            at: Timestamp(1_800_000_000_000),
            synced: true,
        });
        let accounts = Accounts::in_memory(Arc::new(clock.clone())).unwrap();
        accounts.claim(PASSWORD).unwrap();
        let settings = Settings {
            auth: Auth::Password,
            ..settings
        };
        Claimed {
            session: format!("Cookie: lookout_session={}\r\n", accounts.log_in(PASSWORD).unwrap().secret),
            device: Device::with_accounts(settings, 3, accounts),
            clock,
        }
    }

    fn token(&self, name: &str, scope: Scope) -> String {
        self.device
            .accounts
            .make_token(&name.try_into().unwrap(), scope, None)
            .unwrap()
            .token
    }

    /// Asks with these header fields; status and head of the answer.
    fn ask(&self, method: &str, target: &str, fields: &str, body: &str) -> (u16, String) {
        let (status, head, _) = self.ask_whole(method, target, fields, body);
        (status, head)
    }

    fn ask_whole(&self, method: &str, target: &str, fields: &str, body: &str) -> (u16, String, Value) {
        let address = self.device.address;
        let length = body.len();
        let request = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{fields}\r\n{body}");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\r\n\r\n") {
            assert_eq!(stream.read(&mut byte).unwrap(), 1, "{method} {target}: hung up");
            answer.push(byte[0]);
        }
        let head = String::from_utf8(answer).unwrap().to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        if method != "HEAD" {
            stream.read_exact(&mut body).unwrap();
        }
        (
            head[9..12].parse().unwrap(),
            head,
            serde_json::from_slice(&body).unwrap_or_default(),
        )
    }

    /// The same of a route of the table.
    fn ask_route(&self, route: &RouteInfo, fields: &str) -> (u16, String) {
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let fields = if route.door {
            format!("{upgrade}{fields}")
        } else {
            fields.to_owned()
        };
        self.ask(route.method, &route.path.replace("{id}", "1"), &fields, "")
    }
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// A door that cannot say no by HTTP, as the clients that come to it cannot read it.
fn closes_strangers(route: &RouteInfo) -> bool {
    route.path == "/api/ws/statistics"
}

#[test]
fn every_route_states_its_scope_and_only_few_are_for_everybody() {
    let public: Vec<_> = web::routes().filter(|route| route.scope.is_none()).collect();
    for route in &public {
        let asset = route.method == "GET" && !route.path.starts_with("/api/") && !route.path.starts_with("/ws");
        let known = ["/api/login", "/api/health/live", "/api/openapi.json", "/api/asyncapi.json"].contains(&route.path);
        assert!(asset || known, "{route:?} is for everybody");
    }
    for route in web::routes().filter(|route| !["GET", "HEAD"].contains(&route.method)) {
        let alone = ["/api/login", "/api/logout"].contains(&route.path);
        assert!(alone || route.scope >= Some(Scope::Control), "{route:?} changes something");
    }
    assert!(web::routes().filter(|route| route.door).count() >= 2);
}

#[test]
fn no_route_is_had_without_a_credential_that_holds() {
    let claimed = Claimed::new();
    let other = Claimed::new();
    let expired = claimed
        .device
        .accounts
        .make_token(&"expired".try_into().unwrap(), Scope::Admin, Some(Duration::from_secs(1)));
    let expired = expired.unwrap().token;
    claimed.clock.advance(Duration::from_secs(2));
    let revoked = claimed
        .device
        .accounts
        .make_token(&"revoked".try_into().unwrap(), Scope::Admin, None)
        .unwrap();
    claimed.device.accounts.revoke_token(revoked.info.id).unwrap();
    let good = claimed.token("good", Scope::Admin);
    let strangers = [
        String::new(),
        bearer("x"),
        bearer(""),
        bearer(&expired),
        bearer(&revoked.token),
        bearer(&other.token("other", Scope::Admin)),
        bearer(&good[..good.len() - 1]),
        format!("Authorization: Basic {good}\r\n"),
        "Cookie: lookout_session=00112233445566778899aabbccddeeff\r\n".to_owned(),
        "Cookie: lookout_session=\r\n".to_owned(),
        other.session.clone(),
        // A token that does not hold is not made good by a session that does.
        format!("{}{}", bearer("x"), claimed.session),
    ];
    for route in web::routes() {
        for stranger in &strangers {
            let (status, head) = claimed.ask_route(&route, stranger);
            match route.scope {
                None => assert!(status != 401 && status != 403, "{route:?} for everybody, {stranger}: {status}"),
                Some(_) if closes_strangers(&route) => assert_eq!(status, 101),
                Some(_) => {
                    assert_eq!(status, 401, "{route:?} for {stranger}");
                    assert!(head.contains("www-authenticate: bearer realm=\"lookout\""), "{head}");
                }
            }
        }
    }
}

#[test]
fn a_scope_opens_its_routes_and_those_below_and_no_other() {
    let claimed = Claimed::with(Settings {
        user_connections_max: 100,
        ..Settings::default()
    });
    for scope in [Scope::Read, Scope::Control, Scope::Admin] {
        let token = claimed.token(&format!("shelf {scope}"), scope);
        for route in web::routes().filter(|route| !closes_strangers(route)) {
            let (status, head) = claimed.ask_route(&route, &bearer(&token));
            let enough = route.scope.is_none_or(|needed| needed <= scope);
            if enough {
                assert!(status != 401 && status != 403, "{route:?} with {scope}: {status}");
            } else {
                assert_eq!(status, 403, "{route:?} with {scope}");
                assert!(head.contains("insufficient_scope"), "{head}");
            }
            assert_eq!(status == 101, route.door && enough, "{route:?} with {scope}: {status}");
        }
    }
}

#[test]
fn a_page_from_elsewhere_cannot_use_the_session_of_its_visitor() {
    let claimed = Claimed::new();
    let own = format!("Origin: http://{}\r\n", claimed.device.address);
    for route in web::routes().filter(|route| route.scope.is_some()) {
        let changes = route.method != "GET" || route.door;
        let check = |fields: &str, let_in: bool| {
            let (status, _) = claimed.ask_route(&route, &format!("{}{fields}", claimed.session));
            match closes_strangers(&route) {
                true => assert!(status == 101 || status == 403),
                false => assert_eq!(status != 403, let_in, "{route:?} with {fields}: {status}"),
            }
        };
        if route.path == "/api/logout" {
            check("Origin: https://elsewhere.example\r\n", false);
            continue; // the rest needs the session
        }
        check(&own, true);
        check("Sec-Fetch-Site: same-origin\r\n", true);
        check("", !changes);
        check("Sec-Fetch-Site: cross-site\r\n", !changes);
        check("Origin: https://elsewhere.example\r\n", !changes);
        check("Origin: null\r\n", !changes);
    }
}

#[tokio::test]
async fn a_websocket_takes_its_token_in_any_of_three_places() {
    let claimed = Claimed::new();
    let token = claimed.token("shelf", Scope::Read);
    let device = &claimed.device;
    let header = ("authorization", format!("Bearer {token}"));
    let protocol = ("sec-websocket-protocol", format!("lookout.token.{token}"));
    let both = ("sec-websocket-protocol", format!("lookout.token.{token}, lookout"));
    for (name, value) in [&header, &protocol, &both] {
        let mut stream = device.try_open("/ws/events", &[(name, value)]).await.expect("let in");
        assert_eq!(stream.message().await["type"], "connection_status");
    }
    device.open(&format!("/ws/events?token={token}")).await;
    let mut stream = device.open(&format!("/ws/events?since=1&token={token}")).await;
    stream.message().await;
    assert_eq!(stream.news().await["seq"], 2);
    assert_eq!(claimed.ask("GET", &format!("/api/events?limit=1&token={token}"), "", "").0, 200);
    assert!(device.try_open("/ws/events", &[]).await.is_err());
    assert!(device.try_open("/ws/events?token=x", &[]).await.is_err());
}

#[tokio::test]
async fn statistics_are_closed_with_1008_for_a_token_that_does_not_hold() {
    let claimed = Claimed::new();
    for target in ["/api/ws/statistics", "/api/ws/statistics?token=x", "/api/ws/statistics?token="] {
        let mut stream = claimed.device.open(target).await;
        let (code, reason) = stream.closed().await;
        assert_eq!(code, 1008, "{reason}");
    }
    let origin = [("origin", "https://elsewhere.example")];
    assert!(claimed.device.try_open("/api/ws/statistics", &origin).await.is_err());
}

#[tokio::test]
async fn a_user_has_so_many_streams_and_the_next_is_refused_in_words() {
    let claimed = Claimed::new();
    let token = claimed.token("shelf", Scope::Read);
    let door = |path: &str, token: &str| format!("{path}?token={token}");
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(claimed.device.open(&door("/ws/events", &token)).await);
    }
    assert!(claimed.device.try_open(&door("/ws/events", &token), &[]).await.is_err());
    let mut sixth = claimed.device.open(&door("/api/ws/statistics", &token)).await;
    assert_eq!(sixth.closed().await, (1008, "too many connections of this user".to_owned()));
    // Another user has places of its own, and one that leaves gives its place back.
    claimed.device.open(&door("/ws/events", &claimed.token("attic", Scope::Read))).await;
    streams.pop();
    let clock = lookout::clock::SystemClock::default();
    let deadline = lookout::clock::Clock::now(&clock) + PATIENCE;
    while claimed.device.try_open(&door("/ws/events", &token), &[]).await.is_err() {
        assert!(lookout::clock::Clock::now(&clock) < deadline, "the place is not given back");
    }
}

#[tokio::test]
async fn a_stream_ends_soon_after_what_it_was_opened_with() {
    let claimed = Claimed::new();
    let accounts = &claimed.device.accounts;
    let made = accounts.make_token(&"shelf".try_into().unwrap(), Scope::Read, None).unwrap();
    let mut stream = claimed.device.open(&format!("/ws/events?token={}", made.token)).await;
    let cookie = claimed.session.trim().strip_prefix("Cookie: ").unwrap();
    let origin = format!("http://{}", claimed.device.address);
    let own = [("cookie", cookie), ("origin", &origin)];
    let mut other = claimed.device.try_open("/ws/events", &own).await.expect("let in");
    stream.message().await;
    accounts.revoke_token(made.info.id).unwrap();
    while let Some(Ok(_)) = stream.frame().await {}
    other.message().await;
    accounts.end_session(accounts.sessions()[0].id).unwrap();
    while let Some(Ok(_)) = other.frame().await {}
}

fn login(password: &str) -> String {
    json!({ "password": password }).to_string()
}

#[test]
fn a_browser_logs_in_works_and_logs_out() {
    let claimed = Claimed::new();
    let own = format!("Origin: http://{}\r\n", claimed.device.address);
    let (status, head, session) = claimed.ask_whole("POST", "/api/login", &own, &login(PASSWORD));
    assert_eq!(status, 200);
    let cookie = head.split("set-cookie: ").nth(1).unwrap().lines().next().unwrap();
    for attribute in ["; path=/", "; httponly", "; samesite=strict", "; max-age="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("; secure"), "it would not come back without TLS");
    let cookie = format!("Cookie: other=1; {}\r\n{own}", cookie.split(';').next().unwrap());
    let (status, _, whoami) = claimed.ask_whole("GET", "/api/session", &cookie, "");
    assert_eq!(status, 200);
    assert_eq!(
        whoami,
        json!({"user": "admin", "scope": "admin", "credential": "session", "claimed": true})
    );

    let wish = json!({"name": "shelf", "scope": "read", "lifetime_s": 60}).to_string();
    let (status, _, made) = claimed.ask_whole("POST", "/api/tokens", &cookie, &wish);
    assert_eq!((status, &made["name"]), (201, &json!("shelf")));
    let token = bearer(made["token"].as_str().unwrap());
    assert_eq!(claimed.ask("GET", "/api/events", &token, "").0, 200);
    assert_eq!(claimed.ask("POST", "/api/tokens", &cookie, &wish).0, 409);
    let (_, _, list) = claimed.ask_whole("GET", "/api/tokens", &cookie, "");
    assert_eq!(list["tokens"][0]["id"], made["id"]);
    assert!(list["tokens"][0].get("token").is_none());
    let target = format!("/api/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(claimed.ask("DELETE", &target, &cookie, "").0, 204);
    assert_eq!(claimed.ask("DELETE", &target, &cookie, "").0, 404);
    assert_eq!(claimed.ask("GET", "/api/events", &token, "").0, 401);

    let (_, _, list) = claimed.ask_whole("GET", "/api/sessions", &cookie, "");
    assert_eq!((list["sessions"].as_array().unwrap().len(), &list["own"]), (2, &session["id"]));
    assert_eq!(claimed.ask("POST", "/api/logout", &cookie, "").0, 204);
    assert_eq!(claimed.ask("GET", "/api/session", &cookie, "").0, 401);
}

#[test]
fn a_new_password_needs_the_old_one_and_ends_other_sessions() {
    let claimed = Claimed::new();
    let other = format!(
        "Cookie: lookout_session={}\r\n",
        claimed.device.accounts.log_in(PASSWORD).unwrap().secret
    );
    let own = format!("{}Sec-Fetch-Site: same-origin\r\n", claimed.session);
    let put = |body: Value| claimed.ask("PUT", "/api/password", &own, &body.to_string()).0;
    assert_eq!(put(json!({"current": "wrong one", "new": "battery staple"})), 401);
    assert_eq!(put(json!({"new": "battery staple"})), 409);
    assert_eq!(put(json!({"current": PASSWORD, "new": "short"})), 400);
    assert_eq!(claimed.ask("GET", "/api/session", &other, "").0, 200);
    assert_eq!(put(json!({"current": PASSWORD, "new": "battery staple"})), 204);
    assert_eq!(claimed.ask("GET", "/api/session", &other, "").0, 401);
    assert_eq!(claimed.ask("GET", "/api/session", &own, "").0, 200);
}

#[test]
fn guessing_is_slowed_down_and_says_for_how_long() {
    let claimed = Claimed::new();
    for _ in 0..LOGIN_FAILURES_FREE {
        assert_eq!(claimed.ask("POST", "/api/login", "", &login("wrong one")).0, 401);
    }
    let (status, head) = claimed.ask("POST", "/api/login", "", &login(PASSWORD));
    assert_eq!(status, 429, "the right one has to wait, too");
    assert!(head.contains("retry-after: 1\r\n"), "{head}");
    // Who is in already does not notice.
    assert_eq!(claimed.ask("GET", "/api/session", &claimed.session, "").0, 200);
    for body in ["", "{}", "{\"password\": 1}", "{\"password\": \"x\", \"user\": \"root\"}"] {
        assert_eq!(claimed.ask("POST", "/api/login", "", body).0, 400);
    }
}

#[test]
fn without_a_password_the_loopback_is_let_in_by_address_and_by_localhost_only() {
    let device = Device::start(Settings::default());
    let by = |host: &str| {
        let answer = device.exchange(format!("GET /api/session HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
        answer[9..12].parse::<u16>().unwrap()
    };
    for own in ["127.0.0.1", "localhost", "LOCALHOST:80", "[::1]:8000", "[::1]", "127.0.0.1:1"] {
        assert_eq!(by(own), 200, "{own}");
    }
    for foreign in ["elsewhere.example", "elsewhere.example:8000", "localhost.example", "x"] {
        assert_eq!(by(foreign), 401, "{foreign}: a name that was bent to this address");
    }
}
