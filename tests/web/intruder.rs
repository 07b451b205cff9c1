//! What somebody would try who means no good: values that no page sends, other people's ids, planted
//! sessions, addresses that lie. Nothing breaks, nothing leaks.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use diesel::prelude::*;
use lanemark::app::import::{ImportRequest, import};
use lanemark::db::schema::{audit_log, partners, users};
use lanemark::domain::viewer::Role;
use lanemark::feeds::kind::ImportKind;
use lanemark::feeds::mapping::Mapping;
use lanemark::web::MAX_BODY_BYTES;

use super::routes::{EXPECTED, For};
use crate::support::app::{TestApp, partner, post_request};
use crate::support::db::{TestDb, on_both, on_both_async};
use crate::support::process::Desk;
use crate::support::server::Server;

/// A role the route opens for.
fn friend(whom: For) -> Role {
    match whom {
        For::All | For::Users => Role::Admin,
        For::Roles(roles) => roles[0],
    }
}

/// The pattern with `value` in every place it leaves open.
fn filled(pattern: &str, value: &str) -> String {
    let parts: Vec<&str> =
        pattern.split('/').map(|part| if part.starts_with('{') { value } else { part }).collect();
    parts.join("/")
}

/// Parts of an address that no link of ours holds.
const PARTS: [&str; 12] = [
    "0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "2025-13",
    "2025-W54",
    "9999-12",
    "%00",
    "%FF%FE",
    "..%2F..%2Fetc%2Fpasswd",
    "'%20OR%20'1'%3D'1",
    "%E2%80%AE%F0%9F%92%A3",
];

/// Every name any page reads from its query, with values none would send.
const NAMES: [&str; 21] = [
    "period", "as_of", "page", "before", "after", "show", "month", "partner", "state", "account", "next",
    "run", "lane", "week", "line", "q", "weight", "shipment", "type", "charge", "currency",
];
const VALUES: [&str; 11] = [
    "2025-13",
    "-1",
    "0",
    "99999999999999999999",
    "-9223372036854775808",
    "9223372036854775807",
    "%00",
    "%FF",
    "262143-12-31",
    "1%2C2%2C%2C",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
];

#[test]
fn no_address_breaks_a_page_and_none_is_echoed_as_markup() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser, "OTHR", "their-load");
        stage(&browser, "BRCK", "own-load");
        for role in Role::ALL {
            browser.forget();
            browser.sign_in_as(role).await;
            for &(method, pattern, whom) in EXPECTED.iter().filter(|row| friend(row.2) == role) {
                let values = if pattern.contains('{') { &PARTS[..] } else { &["-"] };
                for path in values.iter().map(|value| filled(pattern, value)) {
                    let reply = match method {
                        "GET" => browser.get(&path).await,
                        _ => browser.post(&path, &[]).await,
                    };
                    assert!(
                        !reply.status.is_server_error(),
                        "{method} {path} as {role} ({whom:?}): {}",
                        reply.status
                    );
                }
                if method != "GET" {
                    continue;
                }
                for name in NAMES {
                    for value in VALUES {
                        let path = format!("{}?{name}={value}", filled(pattern, "1"));
                        let reply = browser.get(&path).await;
                        assert!(!reply.status.is_server_error(), "{path} as {role}: {}", reply.status);
                        assert!(!reply.html.contains("<script>"), "{path} as {role}");
                    }
                }
                for query in ["?", "?&&&", "?=", "?%", "?period", "?page=1&page=2", "?%00=%00"] {
                    let path = format!("{}{query}", filled(pattern, "1"));
                    let reply = browser.get(&path).await;
                    assert!(!reply.status.is_server_error(), "{path} as {role}: {}", reply.status);
                }
                let long = format!("{}?period={}", filled(pattern, "1"), "9".repeat(60_000));
                let reply = browser.get(&long).await;
                assert!(!reply.status.is_server_error(), "a long query of {pattern}: {}", reply.status);
            }
        }
    });
}

/// Names of every field of every form.
const FIELDS: &[&str] = &[
    "note",
    "day",
    "hash",
    "agreed",
    "baseline",
    "dispute_days",
    "price_cap",
    "email",
    "password",
    "new_password",
    "current",
    "repeat",
    "name",
    "role",
    "partner",
    "partner_id",
    "theme",
    "code",
    "formula",
    "rules",
    "unit",
    "better",
    "volume",
    "do",
    "scac",
    "mode",
    "status",
    "contact_name",
    "contact_email",
    "review_cadence",
    "aliases",
    "number",
    "title",
    "term_start",
    "term_end",
    "notice",
    "currency",
    "valid_from",
    "valid_to",
    "kpi",
    "target",
    "cap",
    "amount",
    "rate",
    "clause",
    "reason",
    "answer",
    "loads",
    "lane",
    "week",
    "period",
    "as_of",
    "seen",
    "active",
    "state",
    "kind",
    "id",
    "stop",
    "party",
    "reason_code",
    "statement",
    "evidence",
    "words",
    "decision",
    "first_day",
    "last_day",
    "places",
    "modes",
    "partners",
];

#[test]
fn no_form_breaks_a_page() {
    let long = "x".repeat(4_000);
    let values = [
        "\0",
        "a\0b",
        long.as_str(),
        "-1",
        "99999999999999999999999999999",
        "\u{202e}\u{feff}",
        "1e400",
        "';--",
    ];
    on_both_async(|db| {
        let values = values.map(str::to_owned);
        async move {
            let mut browser = TestApp::new(&db).await;
            for role in Role::ALL {
                for &(_, pattern, _) in EXPECTED.iter().filter(|row| row.0 == "POST" && friend(row.2) == role)
                {
                    browser.forget();
                    browser.sign_in_as(role).await;
                    let path = filled(pattern, "1");
                    for value in &values {
                        let fields: Vec<(&str, &str)> =
                            FIELDS.iter().map(|name| (*name, value.as_str())).collect();
                        let reply = browser.post(&path, &fields).await;
                        assert!(
                            !reply.status.is_server_error(),
                            "{path} as {role} with {value:?}: {}",
                            reply.status
                        );
                    }
                    let raw = |body: Vec<u8>, kind: &'static str| {
                        post_request(&path, &[]).insert_header(("content-type", kind)).set_payload(body)
                    };
                    let form = "application/x-www-form-urlencoded";
                    let many = "a=1&".repeat(3_000).into_bytes();
                    for (body, kind) in [
                        (b"name=\xff\xfe&%=%&&&==".to_vec(), form),
                        (many, form),
                        (b"{\"name\":1}".to_vec(), "application/json"),
                        (b"--x\r\n\r\n".to_vec(), "multipart/form-data; boundary=x"),
                        (vec![b'a'; MAX_BODY_BYTES + 1], form),
                    ] {
                        browser.forget();
                        browser.sign_in_as(role).await;
                        let (size, reply) = (body.len(), browser.send(raw(body, kind)).await);
                        assert!(!reply.status.is_server_error(), "{path} as {role}: {}", reply.status);
                        if size > MAX_BODY_BYTES {
                            // Forms that take no field never read the body.
                            assert!(
                                reply.status == StatusCode::PAYLOAD_TOO_LARGE
                                    || reply.status.is_redirection()
                                    || reply.status == StatusCode::NOT_FOUND,
                                "{path}: {}",
                                reply.status
                            );
                        }
                    }
                }
            }
        }
    });
}

/// One shipment of `code`, so that there is something to find.
fn stage(browser: &TestApp, code: &str, reference: &str) {
    partner(&browser.app, code, code);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.csv");
    let text =
        format!("reference,partner,delivery_due_date,arrived_at\n{reference},{code},2025-06-03,2025-06-03\n");
    std::fs::write(&path, text).unwrap();
    let mapping = Mapping::identity(ImportKind::Shipments).with_default_zone(chrono_tz::UTC);
    let request = ImportRequest {
        path: &path,
        mapping: &mapping,
        by: "test",
        rejects: folder.path().join("r.csv"),
        dry_run: false,
        refresh: true,
    };
    let report = import(&browser.app, &request, &|_| {}).unwrap();
    assert_eq!((report.rows_new, report.rows_rejected), (1, 0));
}

#[test]
fn what_is_anothers_answers_as_what_does_not_exist() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        stage(&browser, "OTHR", "their-load");
        stage(&browser, "BRCK", "own-load");
        let theirs: i64 = partners::table
            .filter(partners::code.eq("OTHR"))
            .select(partners::id)
            .first(&mut *db.conn())
            .unwrap();
        lanemark::app::score::score_due(&browser.app, browser.app.now(), None).unwrap();
        browser.sign_in_as(Role::Partner).await;
        let own = browser.get("/portal/shipments/file/own-load").await;
        assert_eq!(own.status, StatusCode::OK, "{}", own.html);
        for (foreign, missing) in [
            ("/portal/shipments/file/their-load".to_owned(), "/portal/shipments/file/nobodys".to_owned()),
            (format!("/partners/{theirs}"), "/partners/1".to_owned()),
            (format!("/scorecards/{theirs}/2025-06"), "/scorecards/1/2025-06".to_owned()),
            (format!("/scorecards/{theirs}/2025-06/OTD_DAY"), "/scorecards/1/2025-06/OTD_DAY".to_owned()),
            (format!("/shipments/{theirs}/file/their-load"), "/shipments/1/file/nobodys".to_owned()),
            (format!("/ledger/accruals/{theirs}/x"), "/nowhere/at/all/x".to_owned()),
        ] {
            let (foreign, missing) = (browser.get(&foreign).await, browser.get(&missing).await);
            assert_eq!(foreign.status, StatusCode::NOT_FOUND);
            assert_eq!(foreign.html, missing.html, "the same bytes");
            let names = |reply: &crate::support::app::Reply| {
                let mut names: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
                names.sort();
                names
            };
            assert_eq!(names(&foreign), names(&missing));
        }
        // Naming another partner in a form or a query changes nothing of what is shown.
        for path in ["/portal", "/portal/scorecards/2025-06", "/portal/plan", "/portal/kpis"] {
            let plain = browser.get(path).await;
            let with = browser.get(&format!("{path}?partner={theirs}&partner_id={theirs}")).await;
            assert_eq!((plain.status, plain.html), (with.status, with.html), "{path}");
        }
        for fields in [[("lane", "1"), ("week", "2025-07-14"), ("answer", "commit")]] {
            let id = theirs.to_string();
            let named = [&fields[..], &[("partner", id.as_str()), ("partner_id", id.as_str())]].concat();
            let reply = browser.post("/portal/plan/1/answers", &named).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND);
        }
    });
}

#[test]
fn a_planted_session_is_worth_nothing_and_a_closed_one_neither() {
    on_both_async(|db| async move {
        // Somebody else's cookie, taken over before signing in, is not the one that is signed in.
        let mut thief = TestApp::new(&db).await;
        thief.sign_in_as(Role::Finance).await;
        let planted = thief.cookies()[0].clone();
        let mut victim = TestApp::new(&db).await;
        victim.take_cookies(&thief);
        victim.sign_in_as(Role::Admin).await;
        let fresh = victim.cookies()[0].clone();
        assert_ne!(planted.value(), fresh.value(), "signing in changes the key");
        assert_ne!(
            thief.get("/users").await.status,
            StatusCode::OK,
            "the planted key did not become the administrator's"
        );

        // After signing out the cookie opens nothing, also for somebody who kept a copy.
        victim.post("/sign-out", &[]).await;
        victim.forget();
        let replay = |cookie: &Cookie<'static>| TestRequest::get().uri("/users").cookie(cookie.clone());
        assert_eq!(victim.send(replay(&fresh)).await.status, StatusCode::SEE_OTHER);

        // However often it is used, a session ends a week after signing in.
        let mut week = TestApp::new(&db).await;
        week.sign_in_as(Role::Admin).await;
        let mut kept = week.cookies().to_vec();
        for hours in (10..180).step_by(10) {
            let now = chrono::DateTime::parse_from_rfc3339(crate::support::db::NOW).unwrap()
                + chrono::TimeDelta::hours(hours);
            let mut later = TestApp::with(db.app_at(&now.to_rfc3339()), "http://127.0.0.1:8080").await;
            let mut request = TestRequest::get().uri("/users");
            for cookie in &kept {
                request = request.cookie(cookie.clone());
            }
            let reply = later.send(request).await;
            let wanted = if hours < 168 { StatusCode::OK } else { StatusCode::SEE_OTHER };
            assert_eq!(reply.status, wanted, "{hours} hours later");
            if !later.cookies().is_empty() {
                kept = later.cookies().to_vec();
            }
        }
    });
}

#[test]
fn a_host_that_lies_is_not_repeated() {
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        let lies = [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "host=evil.example;proto=https;for=10.0.0.1"),
            ("x-original-url", "/users"),
            ("x-rewrite-url", "/users"),
            ("x-http-method-override", "DELETE"),
        ];
        let lying = |path: &str| {
            lies.iter().fold(TestRequest::get().uri(path), |request, lie| request.insert_header(*lie))
        };
        for role in [None, Some(Role::Finance)] {
            if let Some(role) = role {
                browser.sign_in_as(role).await;
            }
            for path in ["/", "/users", "/sign-in?next=//evil.example", "/nowhere", "/account"] {
                let reply = browser.send(lying(path)).await;
                assert!(!reply.html.contains("evil.example"), "{path}: {}", reply.html);
                assert!(
                    reply.location().is_none_or(|to| to.starts_with('/') && !to.starts_with("//")),
                    "{path}"
                );
                if path == "/users" {
                    assert_ne!(reply.status, StatusCode::OK, "a header is no way round a refusal");
                }
            }
        }
        // A forged origin beside a forged host: the cookie is not sent there, and the site is not named.
        let forged = post_request("/users", &[("name", "x")])
            .insert_header(("sec-fetch-site", "cross-site"))
            .insert_header(("origin", "http://evil.example"))
            .insert_header(("host", "evil.example"));
        assert_eq!(browser.send(forged).await.status, StatusCode::FORBIDDEN);
    });
}

#[test]
fn an_address_that_carries_headers_is_refused_wherever_it_is_typed() {
    const BAD: [&str; 6] = [
        "ops@x.example\nBcc: all@x.example",
        "ops@x.example\r\nSubject: hello",
        "ops@x.example, all@x.example",
        "Mara <ops@x.example>\u{b}Bcc: a@x.example",
        "ops@x.example\0",
        "ops@x.example\u{85}Bcc:all@x.example",
    ];
    on_both_async(|db| async move {
        let mut browser = TestApp::new(&db).await;
        for bad in BAD {
            browser.forget();
            browser.sign_in_as(Role::Admin).await;
            let user = [
                ("email", bad),
                ("name", "Mara"),
                ("role", "FINANCE"),
                ("password", "a long lane of promises"),
            ];
            let reply = browser.post("/users", &user).await;
            assert!(reply.status.is_client_error(), "{bad:?}: {}", reply.status);
            browser.forget();
            browser.sign_in_as(Role::CarrierManager).await;
            let fields = [
                ("code", "INJ"),
                ("name", "Injected"),
                ("status", "ACTIVE"),
                ("review_cadence", "MONTHLY"),
                ("contact_email", bad),
            ];
            let reply = browser.post("/partners", &fields).await;
            assert!(reply.status.is_client_error(), "{bad:?}: {}", reply.status);
        }
        let db = &mut *db.conn();
        let injected =
            partners::table.filter(partners::code.eq("INJ")).count().get_result::<i64>(db).unwrap();
        let mara = users::table.filter(users::name.eq("Mara")).count().get_result::<i64>(db).unwrap();
        assert_eq!((injected, mara), (0, 0));
        let lines: Vec<String> = audit_log::table.select(audit_log::subject).load(db).unwrap();
        assert!(
            lines.iter().all(|line| !line.contains(char::is_control)),
            "no line of the log is forged: {lines:?}"
        );
    });
}

/// Bytes that no client library would send, to the real server.
#[test]
fn a_server_outlives_requests_that_are_none() {
    on_both(|db: TestDb| {
        let desk = Desk::new(&db);
        let mut server = Server::start(&desk);
        let million = "x".repeat(1 << 20);
        let bad: [Vec<u8>; 9] = [
            format!("GET /today?period={million} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes(),
            format!("GET /{million} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes(),
            format!("GET / HTTP/1.1\r\nhost: x\r\ncookie: lanemark={million}\r\n\r\n").into_bytes(),
            b"GET /\xff\xfe\x80 HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            b"GET /partners/\xc3\x28 HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            b"GET http://evil.example/sign-in HTTP/1.1\r\nhost: evil.example\r\n\r\n".to_vec(),
            b"POST /sign-in HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n".to_vec(),
            b"POST /sign-in HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /users HTTP/1.1\r\n\r\n".to_vec(),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no http at all\r\n\r\n".to_vec(),
        ];
        for bytes in &bad {
            let answer = server.ask(bytes).unwrap_or_default();
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            assert!(!answer.starts_with("HTTP/1.1 5"), "{shown}: {answer}");
            assert!(!answer.contains("evil.example"), "{shown}: {answer}");
            assert!(!server.process.has_ended(), "{shown} ended the server");
        }
        assert!(server.is_up(), "it still answers");
        server.process.kill();
        let said = server.process.said();
        assert!(!said.err.contains("panicked"), "{}", said.err);
    });
}
