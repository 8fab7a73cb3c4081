//! What the accounts promise: they last, a damaged file opens nothing, tokens cannot be forged, guessing is slow.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use lookout::clock::Mono;
use lookout::clock::SimClock;
use lookout::clock::Timestamp;
use lookout::clock::Wall;
use lookout::identity::Accounts;
use lookout::identity::Claims;
use lookout::identity::Credential;
use lookout::identity::IdentityError;
use lookout::identity::NewToken;
use lookout::identity::Scope;
use lookout::identity::SigningKey;
use lookout::identity::Throttle;
use lookout::identity::TokenError;
use lookout::limits::IDENTITY_BYTES_MAX;
use lookout::limits::LOGIN_ADDRESSES_MAX;
use lookout::limits::LOGIN_FAILURE_S;
use lookout::limits::LOGIN_FAILURES_BURST;
use lookout::limits::LOGIN_FAILURES_FREE;
use lookout::limits::LOGIN_WAIT_S_MAX;
use lookout::limits::SESSION_IDLE_S;
use lookout::limits::SESSION_S_MAX;
use lookout::limits::SESSIONS_MAX;
use lookout::limits::TOKENS_MAX;
use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::proptest;

const PASSWORD: &str = "correct horse";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn clock() -> SimClock {
    SimClock::new(wall(1_800_000_000, true))
}

fn wall(seconds: i64, synced: bool) -> Wall {
    Wall {
        at: Timestamp(seconds * 1000),
        synced,
    }
}

fn open(folder: &Path, clock: &SimClock) -> Accounts {
    Accounts::open(folder, Arc::new(clock.clone())).expect("accounts")
}

fn token(accounts: &Accounts, name: &str, lifetime: Option<Duration>) -> NewToken {
    accounts
        .make_token(&name.try_into().unwrap(), Scope::Control, lifetime)
        .expect("a token")
}

#[test]
fn passwords_sessions_and_tokens_survive_a_restart_and_their_end_does_too() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let accounts = open(folder.path(), &clock);
    assert!(!accounts.is_claimed());
    accounts.claim(PASSWORD).unwrap();
    let (session, ended) = (accounts.log_in(PASSWORD).unwrap(), accounts.log_in(PASSWORD).unwrap());
    let (kept, revoked) = (token(&accounts, "kept", None), token(&accounts, "revoked", None));
    assert!(accounts.end_session(ended.info.id).unwrap());
    assert!(accounts.revoke_token(revoked.info.id).unwrap());
    drop(accounts);

    let accounts = open(folder.path(), &clock);
    assert!(accounts.is_claimed());
    assert!(matches!(accounts.claim("another one"), Err(IdentityError::Claimed)));
    assert_eq!(accounts.by_session(&session.secret).unwrap().scope, Scope::Admin);
    assert_eq!(accounts.by_session(&ended.secret), None);
    let caller = accounts.by_token(&kept.token).unwrap();
    assert_eq!((caller.user(), caller.scope), (Some("kept"), Scope::Control));
    assert!(matches!(caller.credential, Credential::Token { id, .. } if id == kept.info.id));
    assert_eq!(accounts.by_token(&revoked.token), Err(TokenError::Revoked));
    accounts.log_in(PASSWORD).unwrap();
}

#[test]
fn a_password_has_its_length_and_is_the_right_one() {
    let accounts = Accounts::in_memory(Arc::new(clock())).unwrap();
    assert!(accounts.log_in(PASSWORD).is_err(), "of a device that nobody claimed");
    for short_or_long in ["", "7 bytes", &"x".repeat(129)] {
        assert!(matches!(accounts.claim(short_or_long), Err(IdentityError::Password(_))));
    }
    accounts.claim(&"é".repeat(64)).unwrap();
    for wrong in ["", "x", PASSWORD, &"é".repeat(63), &"é".repeat(65)] {
        assert!(accounts.log_in(wrong).is_err());
    }
    let (stays, goes) = (accounts.log_in(&"é".repeat(64)).unwrap(), accounts.log_in(&"é".repeat(64)).unwrap());
    assert!(accounts.change_password("wrong one", PASSWORD, None).is_err());
    accounts.change_password(&"é".repeat(64), PASSWORD, Some(stays.info.id)).unwrap();
    assert!(accounts.by_session(&stays.secret).is_some());
    assert!(accounts.by_session(&goes.secret).is_none());
    assert!(accounts.log_in(&"é".repeat(64)).is_err());
    accounts.log_in(PASSWORD).unwrap();
}

#[test]
fn the_file_is_its_owners_alone_and_holds_no_secret_that_opens() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let file = folder.path().join("identity.json");
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    let accounts = open(folder.path(), &clock);
    assert_eq!(mode(), 0o600);
    accounts.claim(PASSWORD).unwrap();
    let session = accounts.log_in(PASSWORD).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains(PASSWORD) && !text.contains(&session.secret));
    assert_eq!(mode(), 0o600);
    let second = Accounts::open(folder.path(), Arc::new(clock.clone())).err();
    assert!(matches!(second, Some(IdentityError::InUse(_))), "one process at a time");
    drop(accounts);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(folder.path(), &clock));
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_damaged_file_is_an_error_that_names_it_and_never_a_device_without_password() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let file = folder.path().join("identity.json");
    open(folder.path(), &clock).claim(PASSWORD).unwrap();
    let good = fs::read(&file).unwrap();
    let long = [&good[..], &vec![b' '; IDENTITY_BYTES_MAX as usize]].concat();
    let text = String::from_utf8(good.clone()).unwrap();
    let greedy = text.replace("\"memory_kib\": 4096", "\"memory_kib\": 40960").into_bytes();
    let other = text.replace("\"version\": 1", "\"version\": 2").into_bytes();
    assert!(greedy != good && other != good);
    for damaged in [&b""[..], b"{}", &good[..good.len() / 2], &long, &greedy, &other] {
        fs::write(&file, damaged).unwrap();
        let error = Accounts::open(folder.path(), Arc::new(clock.clone()))
            .err()
            .expect("refused")
            .to_string();
        assert!(error.contains("identity.json: damaged"), "{error}");
    }
    // A power cut while it was written leaves the old one, and rubbish beside it.
    fs::write(&file, &good).unwrap();
    fs::write(folder.path().join("identity.new"), b"{").unwrap();
    open(folder.path(), &clock).log_in(PASSWORD).unwrap();
}

#[test]
fn the_first_password_comes_from_a_file_once_and_the_file_goes() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let file = folder.path().join("claim.txt");
    let accounts = open(folder.path(), &clock);
    accounts.claim_from(&file).expect("taken before");
    fs::write(&file, "short\n").unwrap();
    assert!(accounts.claim_from(&file).is_err());
    assert!(file.exists() && !accounts.is_claimed());
    fs::write(&file, format!("{PASSWORD}\r\nmore\n")).unwrap();
    accounts.claim_from(&file).unwrap();
    assert!(!file.exists());
    fs::write(&file, "another one\n").unwrap();
    accounts.claim_from(&file).unwrap();
    assert!(!file.exists());
    accounts.log_in(PASSWORD).unwrap();
}

#[test]
fn what_cannot_be_written_does_not_hold() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let accounts = open(folder.path(), &clock);
    fs::create_dir(folder.path().join("identity.new")).unwrap(); // in the way
    assert!(matches!(accounts.claim(PASSWORD), Err(IdentityError::File { .. })));
    assert!(!accounts.is_claimed());
}

#[test]
fn sessions_end_when_idle_when_old_and_when_there_are_too_many() {
    let clock = clock();
    let accounts = Accounts::in_memory(Arc::new(clock.clone())).unwrap();
    accounts.claim(PASSWORD).unwrap();
    let (idle, busy) = (accounts.log_in(PASSWORD).unwrap(), accounts.log_in(PASSWORD).unwrap());
    for day in 1..SESSION_S_MAX / DAY.as_secs() {
        clock.advance(DAY);
        assert!(accounts.by_session(&busy.secret).is_some(), "day {day}");
        assert_eq!(accounts.sessions().len(), if day * DAY.as_secs() < SESSION_IDLE_S { 2 } else { 1 });
    }
    assert!(accounts.by_session(&idle.secret).is_none());
    clock.advance(DAY);
    assert!(accounts.by_session(&busy.secret).is_none());

    let first = accounts.log_in(PASSWORD).unwrap();
    for _ in 0..SESSIONS_MAX {
        clock.advance(Duration::from_secs(1));
        accounts.log_in(PASSWORD).unwrap();
    }
    assert!(accounts.by_session(&first.secret).is_none());
    assert_eq!(accounts.sessions().len(), SESSIONS_MAX);
}

#[test]
fn tokens_expire_are_bounded_and_have_names_of_their_own() {
    let clock = clock();
    let accounts = Accounts::in_memory(Arc::new(clock.clone())).unwrap();
    let day = token(&accounts, "day", Some(DAY));
    accounts.by_token(&day.token).unwrap();
    clock.advance(DAY);
    assert_eq!(accounts.by_token(&day.token), Err(TokenError::Expired));
    assert!(accounts.tokens().is_empty());
    for n in 0..TOKENS_MAX {
        token(&accounts, &format!("token {n}"), None);
    }
    let one_more = |name: &str| accounts.make_token(&name.try_into().unwrap(), Scope::Read, None);
    assert!(matches!(one_more("more"), Err(IdentityError::TokensFull)));
    accounts.revoke_token(accounts.tokens()[0].id).unwrap();
    assert!(matches!(one_more("token 1"), Err(IdentityError::NameTaken)));
    one_more("more").unwrap();
}

#[test]
fn without_a_good_clock_nothing_expires_and_lifetimes_begin_when_it_is_set_right() {
    let clock = SimClock::new(wall(0, false));
    let accounts = Accounts::in_memory(Arc::new(clock.clone())).unwrap();
    accounts.claim(PASSWORD).unwrap();
    let (session, day) = (accounts.log_in(PASSWORD).unwrap(), token(&accounts, "day", Some(DAY)));
    assert_eq!((day.info.created, day.info.expires), (None, None));
    clock.advance(100 * DAY);
    accounts.by_token(&day.token).unwrap();

    clock.set_wall(wall(1_800_000_000, true));
    accounts.by_token(&day.token).unwrap();
    accounts.by_session(&session.secret).unwrap();
    assert!(accounts.take_untold());
    accounts.keep().unwrap();
    assert_eq!(accounts.tokens()[0].expires, Some(Timestamp(1_800_086_400_000)));
    clock.advance(DAY);
    assert_eq!(accounts.by_token(&day.token), Err(TokenError::Expired));

    // Seen to be over, it does not come back with a clock that is wrong again.
    accounts.keep().unwrap();
    clock.set_wall(wall(0, false));
    assert_eq!(accounts.by_token(&day.token), Err(TokenError::Revoked));
}

fn claims() -> Claims {
    Claims {
        sub: "shelf".into(),
        scope: "read".into(),
        iat: Some(1),
        exp: Some(2),
        jti: "00112233445566778899aabbccddeeff".parse().unwrap(),
    }
}

#[test]
fn a_token_is_a_jwt_that_any_library_reads() {
    let token = SigningKey::new(&[7; 32]).sign(&claims());
    let parts: Vec<_> = token
        .split('.')
        .map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap())
        .collect();
    assert_eq!(parts[0], br#"{"alg":"HS256","typ":"JWT"}"#);
    assert_eq!(
        parts[1],
        br#"{"sub":"shelf","scope":"read","iat":1,"exp":2,"jti":"00112233445566778899aabbccddeeff"}"#
    );
    assert_eq!(SigningKey::new(&[7; 32]).verify(&token), Ok(claims()));
}

#[test]
fn another_algorithm_another_key_and_no_signature_are_refused() {
    let key = SigningKey::new(&[7; 32]);
    let token = key.sign(&claims());
    let (_, rest) = token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    assert_eq!(SigningKey::new(&[8; 32]).verify(&token), Err(TokenError::Signature));
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None","typ":"JWT"}"#,
        r#"{"alg":"HS512","typ":"JWT"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
        "{}",
        "null",
    ] {
        let header = BASE64URL_NOPAD.encode(header.as_bytes());
        for signature in [signature, ""] {
            assert_eq!(key.verify(&format!("{header}.{body}.{signature}")), Err(TokenError::Malformed));
        }
    }
    let header = token.split('.').next().unwrap();
    assert_eq!(key.verify(&format!("{header}.{body}.")), Err(TokenError::Signature));
    assert_eq!(key.verify(&format!("{header}.{body}")), Err(TokenError::Malformed));
    assert_eq!(key.verify(&format!("{token}{}", " ".repeat(2000))), Err(TokenError::Malformed));
}

proptest! {
    #[test]
    fn a_token_that_was_changed_in_any_way_is_refused(cut in 0_usize..200, with in any::<u8>()) {
        let key = SigningKey::new(&[7; 32]);
        let token = key.sign(&claims());
        let at = cut % token.len();
        prop_assert_eq!(key.verify(&token[..at]).ok(), None);
        let mut bytes = token.clone().into_bytes();
        bytes[at] = with & 0x7f;
        let changed = String::from_utf8(bytes).unwrap();
        if changed != token {
            prop_assert_eq!(key.verify(&changed).ok(), None);
        }
    }

    #[test]
    fn no_text_makes_a_token(text in ".{0,300}") {
        prop_assert_eq!(SigningKey::new(&[7; 32]).verify(&text).ok(), None);
    }
}

fn address(n: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 + n).to_be_bytes())
}

#[test]
fn an_address_waits_twice_as_long_after_every_failure() {
    let (mut throttle, mut now) = (Throttle::default(), Mono::from_millis(0));
    let mut waits = Vec::new();
    for _ in 0..20 {
        if let Err(wait) = throttle.admit(address(1), now) {
            waits.push(wait.as_secs());
            assert!(throttle.admit(address(1), now + (wait - Duration::from_millis(1))).is_err());
            now = now + wait;
            throttle.admit(address(1), now).expect("after the wait");
        }
    }
    let doubling = |n: u32| (1_u64 << n).min(LOGIN_WAIT_S_MAX);
    assert_eq!(waits, Vec::from_iter((0..20 - LOGIN_FAILURES_FREE).map(doubling)));
    throttle.forgive(address(1));
    throttle.admit(address(1), now).expect("forgiven");
}

#[test]
fn many_addresses_together_are_slow_too_and_remembered_within_bounds() {
    let (mut throttle, now) = (Throttle::default(), Mono::from_millis(0));
    let admitted = (0..1000).filter(|n| throttle.admit(address(*n), now).is_ok()).count();
    assert_eq!(admitted, LOGIN_FAILURES_BURST as usize);
    let hour = (1..=3600_u32).filter(|s| throttle.admit(address(5000 + s), now + Duration::from_secs(u64::from(*s))).is_ok());
    assert_eq!(hour.count() as u64, 3600 / LOGIN_FAILURE_S);
    assert_eq!(throttle.addresses(), LOGIN_ADDRESSES_MAX);
}

#[test]
fn addresses_of_one_ipv6_network_count_as_one() {
    let (mut throttle, now) = (Throttle::default(), Mono::from_millis(0));
    let admitted = (0..10).filter(|n| {
        let ip: IpAddr = format!("2001:db8::{n}:1").parse().unwrap();
        throttle.admit(ip, now).is_ok()
    });
    assert_eq!(admitted.count() as u32, LOGIN_FAILURES_FREE);
}
