//! The outbox on both databases: once per occasion, back-off, two senders, senders that die.

use std::net::TcpListener;

use diesel::prelude::*;

use super::*;
use crate::app::testing::{on_each_engine, partner_viewer, viewer};
use crate::db::schema::partners;

const NOW: &str = "2025-07-01T06:00:00Z";

fn memory() -> Mailer {
    Mailer::memory("Lanemark <noreply@shipper.example>").unwrap()
}

/// A mailer whose server is not there.
fn unreachable() -> Mailer {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    Mailer::from_settings(&MailSettings::Smtp {
        from: "noreply@shipper.example".into(),
        host: "127.0.0.1".into(),
        port: Some(port),
        tls: TlsMode::Plain,
        username: None,
        password: None,
        timeout_seconds: Some(2),
        allow_plain: false,
    })
    .unwrap()
}

fn new_mail(key: &str) -> NewMail {
    NewMail {
        dedupe_key: key.into(),
        kind: MailKind::Review,
        partner_id: None,
        to: "ops@carrier.example".into(),
        message: Rendered { subject: "June".into(), text: "T".into(), html: "<p>H</p>".into() },
        parts: vec![Part {
            content_id: "chart".into(),
            content_type: "image/png".into(),
            content: vec![0, 159, 146, 150],
        }],
    }
}

fn queue(app: &App, mail: &NewMail) -> Enqueued {
    write_tx(&mut app.pool.get().unwrap(), |db| enqueue(app, db, mail)).unwrap()
}

fn all(app: &App) -> Vec<MailSummary> {
    mail_list(app, &Viewer::system(), None, 100).unwrap()
}

#[test]
fn an_occasion_is_mailed_once_and_a_rollback_leaves_no_mail() {
    on_each_engine(NOW, |app| {
        let undone: Result<(), DbError> = write_tx(&mut app.pool.get().unwrap(), |db| {
            enqueue(app, db, &new_mail("june"))?;
            Err(DbError::Url("changed my mind".into()))
        });
        assert!(undone.is_err() && all(app).is_empty());
        assert!(matches!(queue(app, &new_mail("june")), Enqueued::Queued(_)));
        assert_eq!(queue(app, &new_mail("june")), Enqueued::Already);
        let mailer = memory();
        assert_eq!(deliver_due(app, &mailer, Clock::Fixed(app.now())).unwrap().sent, 1);
        assert_eq!(queue(app, &new_mail("june")), Enqueued::Already, "also after it was sent");
        assert_eq!(deliver_due(app, &mailer, Clock::Fixed(app.now())).unwrap(), Delivered::default());
        let kept = mailer.kept();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].mail.parts[0].content, [0, 159, 146, 150], "the picture arrives as stored");
        assert_eq!(all(app)[0].state_title(), "sent");
    });
}

#[test]
fn a_mail_not_taken_waits_longer_each_time_and_then_fails() {
    on_each_engine(NOW, |app| {
        queue(app, &new_mail("june"));
        let mailer = unreachable();
        let mut now = app.now();
        for attempt in 1..RETRY.max_attempts {
            let done = deliver_due(app, &mailer, Clock::Fixed(now)).unwrap();
            assert_eq!((done.again, done.failed), (1, 0), "attempt {attempt}");
            let next = all(app)[0].next_attempt_at.unwrap();
            assert_eq!(next - now, RETRY.delay_after(attempt).unwrap());
            let early = next - TimeDelta::seconds(1);
            assert_eq!(deliver_due(app, &mailer, Clock::Fixed(early)).unwrap(), Delivered::default());
            now = next;
        }
        assert_eq!(deliver_due(app, &mailer, Clock::Fixed(now)).unwrap().failed, 1);
        let mail = all(app).remove(0);
        assert_eq!((mail.state.as_str(), mail.attempts), ("FAILED", RETRY.max_attempts));
        assert!(mail.last_error.contains("127.0.0.1"), "{}", mail.last_error);
        assert!(mail_requeue(app, mail.id).unwrap() && !mail_requeue(app, mail.id).unwrap());
        assert_eq!(deliver_due(app, &memory(), Clock::Fixed(now)).unwrap().sent, 1);
    });
}

#[test]
fn two_senders_share_the_queue_without_sending_twice() {
    on_each_engine(NOW, |app| {
        for number in 0..30 {
            queue(app, &new_mail(&format!("mail {number}")));
        }
        let mailer = memory();
        let other = App { pool: app.pool.url().open(2).unwrap(), ..app.clone() };
        let sent: i64 = std::thread::scope(|scope| {
            let senders: Vec<_> = [app, &other]
                .into_iter()
                .map(|node| {
                    scope.spawn(|| deliver_due(node, &mailer, Clock::Fixed(node.now())).unwrap().sent)
                })
                .collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).sum()
        });
        let mut ids: Vec<i64> = mailer.kept().into_iter().map(|kept| kept.mail.mail_id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((sent, ids.len(), mailer.kept().len()), (30, 30, 30));
    });
}

#[test]
fn a_sender_that_died_is_followed_by_another_with_the_same_message() {
    on_each_engine(NOW, |app| {
        queue(app, &new_mail("june"));
        let mailer = memory();
        let (dead_row, mail) = take_next(app, app.now()).unwrap().unwrap();
        mailer.send(&mail).unwrap();
        // It died here: sent, and not noted.
        let soon = app.now() + TimeDelta::minutes(1);
        assert_eq!(
            deliver_due(app, &mailer, Clock::Fixed(soon)).unwrap(),
            Delivered::default(),
            "still owned"
        );
        let later = app.now() + SEND_LEASE;
        assert_eq!(deliver_due(app, &mailer, Clock::Fixed(later)).unwrap().sent, 1);
        let ids: Vec<String> = mailer
            .kept()
            .iter()
            .map(|kept| {
                let text = String::from_utf8_lossy(&kept.mime).into_owned();
                text.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned()
            })
            .collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1], "receivers can drop the repeat");
        let late = MailRow { state: "FAILED".into(), ..dead_row };
        assert!(!rows::mail_mark(&mut app.pool.get().unwrap(), &late).unwrap(), "the dead cannot overwrite");
        assert_eq!(all(app)[0].state, "SENT");
    });
}

#[test]
fn a_bad_address_is_shown_and_holds_nobody_up() {
    on_each_engine(NOW, |app| {
        let bad = NewMail { to: "no address".into(), ..new_mail("bad") };
        let Enqueued::Refused { reason, .. } = queue(app, &bad) else { panic!("it was queued") };
        assert!(reason.contains("no address"));
        let huge = Part { content: vec![0; MAX_MAIL_BYTES + 1], ..bad.parts[0].clone() };
        let huge = NewMail { parts: vec![huge], ..new_mail("huge") };
        assert!(matches!(queue(app, &huge), Enqueued::Refused { .. }));
        queue(app, &new_mail("good"));
        assert_eq!(
            deliver_due(app, &memory(), Clock::Fixed(app.now())).unwrap(),
            Delivered { sent: 1, again: 0, failed: 0 }
        );
        assert_eq!(mail_counts(app).unwrap(), [("FAILED".to_owned(), 2), ("SENT".to_owned(), 1)]);
    });
}

#[test]
fn each_viewer_sees_its_own_mail_and_the_administrator_only_envelopes() {
    on_each_engine(NOW, |app| {
        for id in [1_i64, 2] {
            diesel::insert_into(partners::table)
                .values((
                    partners::id.eq(id),
                    partners::code.eq(id.to_string()),
                    partners::name.eq("P"),
                    partners::created_at.eq(Instant(app.now())),
                ))
                .execute(&mut app.pool.get().unwrap())
                .unwrap();
        }
        let mut ids = Vec::new();
        for partner in [1, 2] {
            let mail = NewMail { partner_id: Some(partner), ..new_mail(&format!("for {partner}")) };
            let Enqueued::Queued(id) = queue(app, &mail) else { panic!("not queued") };
            ids.push(id);
        }
        let seen = |viewer: &Viewer| -> Vec<Option<i64>> {
            mail_list(app, viewer, None, 10).unwrap().iter().map(|mail| mail.partner_id).collect()
        };
        let first = partner_viewer(1);
        assert_eq!(seen(&first), [Some(1)]);
        assert!(mail_show(app, &first, ids[1]).unwrap().is_none());
        assert!(mail_show(app, &first, ids[0]).unwrap().unwrap().content.is_some());
        let admin = viewer("Ada", Role::Admin);
        assert_eq!(seen(&admin), [Some(2), Some(1)], "newest first");
        assert!(mail_show(app, &admin, ids[0]).unwrap().unwrap().content.is_none());
        assert!(seen(&viewer("Pro", Role::Procurement)).is_empty());
        let older = mail_list(app, &Viewer::system(), Some(ids[1]), 10).unwrap();
        assert_eq!(older.iter().map(|mail| mail.id).collect::<Vec<_>>(), [ids[0]]);
    });
}

#[test]
fn the_configured_way_out_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::config::Config::default().mail;
    config.dir = folder.path().join("out");
    mailer_open(&config).unwrap();
    assert!(config.dir.is_dir());
    config.mode = MailMode::Smtp;
    config.smtp.host = "mail.example".into();
    mailer_open(&config).unwrap();
    config.smtp.tls = SmtpTls::None;
    assert!(mailer_open(&config).unwrap_err().to_string().contains("unprotected"));
}
