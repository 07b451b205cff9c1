//! Attached files on both databases: what is taken, who sees it, and that nothing of it changes.

use diesel::connection::SimpleConnection;

use super::*;
use crate::app::contract::tests::{agree, contract_of, partner_of};
use crate::app::testing::{on_each_engine, open_history, partner_viewer, viewer};
use crate::app::verify::verify;
use crate::db::conn::Loan;
use crate::domain::viewer::Role;

const NOW: &str = "2025-07-08T09:00:00Z";
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n\0\xff";

fn conn(app: &App) -> Loan {
    app.pool.get().unwrap()
}

fn dina() -> Viewer {
    viewer("Dina", Role::Procurement)
}

fn file<'a>(name: &'a str, content: &'a [u8]) -> NewFile<'a> {
    NewFile { version_no: None, name, note: "", shared: false, content }
}

fn add(app: &App, contract: i64, new: NewFile<'_>) -> Result<i64, EditError> {
    attach(app, &mut conn(app), &dina(), contract, new)
}

fn names(app: &App, who: &Viewer, contract: i64) -> Vec<String> {
    match attachments(&mut conn(app), who, contract) {
        Ok((_, files)) => files.into_iter().map(|one| one.row.file_name).collect(),
        Err(EditError::NotFound(_)) => vec!["no such contract".to_owned()],
        Err(error) => panic!("{error}"),
    }
}

fn wrong(result: Result<i64, EditError>) -> (String, String) {
    match result {
        Err(EditError::Invalid(mut errors)) => errors.remove(0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_kept_as_it_came_and_only_when_it_is_what_it_says() {
    on_each_engine(NOW, |app| {
        let (contract, _) = contract_of(app, partner_of(app, "BRK"), "BRK-1");
        let id =
            add(app, contract, NewFile { note: " Signed copy ", ..file("C:\\x\\Offer.pdf", PDF) }).unwrap();
        let (_, files) = attachments(&mut conn(app), &dina(), contract).unwrap();
        let row = &files[0].row;
        assert_eq!(
            (row.file_name.as_str(), row.note.as_str(), row.byte_count),
            ("Offer.pdf", "Signed copy", 19)
        );
        assert_eq!((row.added_by.as_str(), row.added_at.0.to_rfc3339()), ("Dina", app.now().to_rfc3339()));
        assert_eq!(row.sha256, sha256_of(PDF));
        let (name, kind, content) = attachment_file(&mut conn(app), &dina(), id).unwrap();
        assert_eq!((name.as_str(), kind, content.as_slice()), ("Offer.pdf", FileKind::Pdf, PDF));

        let refused = |new| wrong(add(app, contract, new));
        assert!(refused(file("a.exe", PDF)).1.contains("only files with these endings"));
        assert!(refused(file("a.png", PDF)).1.contains("its content is PDF"));
        assert!(refused(file("a.txt", b"<html><script>")).1.contains("text/html"));
        assert!(refused(file("a.pdf", b"")).1.contains("empty"));
        assert!(refused(file("", PDF)).1.contains("1 to 120 characters"));
        let large = vec![b'a'; crate::domain::attachment::FILE_BYTES_MAX + 1];
        assert!(refused(file("a.txt", &large)).1.contains("10,485,760 are the most"));
        let long = "a".repeat(501);
        assert_eq!(refused(NewFile { note: &long, ..file("a.pdf", PDF) }).0, "note");
        assert_eq!(refused(NewFile { version_no: Some(9), ..file("a.pdf", PDF) }).0, "version");
        for role in [Role::CarrierManager, Role::Finance, Role::Auditor, Role::Admin, Role::Partner] {
            let denied = attach(app, &mut conn(app), &viewer("X", role), contract, file("a.pdf", PDF));
            assert!(matches!(denied, Err(EditError::Denied { .. })), "{role}");
        }
        assert_eq!(names(app, &dina(), contract), ["Offer.pdf"]);
        assert_eq!(names(app, &viewer("Ann", Role::Auditor), contract), ["Offer.pdf"]);
        assert_eq!(names(app, &viewer("Root", Role::Admin), contract), ["no such contract"]);
    });
}

#[test]
fn a_partner_sees_what_was_shown_to_it_and_nothing_else() {
    on_each_engine(NOW, |app| {
        let brk = partner_of(app, "BRK");
        let (contract, version) = contract_of(app, brk, "BRK-1");
        let (own, foreign) = (partner_viewer(brk), partner_viewer(partner_of(app, "OVL")));
        let shown = add(app, contract, NewFile { shared: true, ..file("shown.pdf", PDF) }).unwrap();
        let kept = add(app, contract, file("kept.pdf", PDF)).unwrap();
        let draft = NewFile { version_no: Some(1), shared: true, ..file("of version 1.pdf", PDF) };
        add(app, contract, draft).unwrap();
        assert_eq!(names(app, &own, contract), ["no such contract"], "the contract is a draft");
        let gone = |who: &Viewer, id| {
            matches!(attachment_file(&mut conn(app), who, id), Err(EditError::NotFound(_)))
        };
        assert!(gone(&own, shown));
        agree(app, brk, version);
        assert_eq!(names(app, &own, contract), ["of version 1.pdf", "shown.pdf"]);
        assert_eq!(names(app, &foreign, contract), ["no such contract"]);
        assert!(!gone(&own, shown) && gone(&own, kept) && gone(&foreign, shown));

        let step = |id, kind, note: &str| attachment_move(app, &mut conn(app), &dina(), id, kind, note);
        step(kept, FileMove::Share, "").unwrap();
        assert!(!gone(&own, kept));
        assert!(wrong(step(kept, FileMove::Share, "")).1.contains("already"));
        step(kept, FileMove::Hide, "not for them").unwrap();
        assert!(gone(&own, kept));
        assert!(wrong(step(shown, FileMove::Withdraw, " ")).1.contains("say why"));
        step(shown, FileMove::Withdraw, "The wrong annex").unwrap();
        assert!(wrong(step(shown, FileMove::Share, "")).1.contains("was withdrawn"));
        assert!(gone(&own, shown) && !gone(&dina(), shown), "it stays on record");
        assert_eq!(names(app, &own, contract), ["of version 1.pdf"]);
        let denied = attachment_move(app, &mut conn(app), &own, kept, FileMove::Share, "");
        assert!(matches!(denied, Err(EditError::Denied { .. })));
        let (_, files) = attachments(&mut conn(app), &dina(), contract).unwrap();
        let withdrawn = files.iter().find(|one| one.row.id == shown).unwrap();
        let moves: Vec<_> =
            withdrawn.moves.iter().map(|one| (one.kind.as_str(), one.note.as_str())).collect();
        assert_eq!(moves, [("SHARE", ""), ("WITHDRAW", "The wrong annex")]);
    });
}

#[test]
fn nobody_changes_a_file_and_verify_reads_each_again() {
    on_each_engine(NOW, |app| {
        let (contract, _) = contract_of(app, partner_of(app, "BRK"), "BRK-1");
        let id = add(app, contract, NewFile { shared: true, ..file("a.pdf", PDF) }).unwrap();
        for sql in [
            "UPDATE contract_attachments SET note = 'x'",
            "DELETE FROM contract_attachments",
            "UPDATE contract_attachment_moves SET note = 'x'",
            "DELETE FROM contract_attachment_moves",
        ] {
            let refused = conn(app).batch_execute(sql).unwrap_err().to_string();
            assert!(refused.contains("is a record"), "{sql}: {refused}");
        }
        let check = || {
            let report = verify(app).unwrap();
            let found =
                report.checks.into_iter().find(|check| check.name.contains("attached files")).unwrap();
            (found.checked, found.problems)
        };
        assert_eq!(check(), (1, Vec::new()));
        // Whoever owns the database can take the guard away; the checksum tells.
        open_history(&mut conn(app), "contract_attachments");
        let bytes = if matches!(&*conn(app), Db::Pg(_)) { "'\\x255044'::bytea" } else { "x'255044'" };
        conn(app).batch_execute(&format!("UPDATE contract_attachments SET content = {bytes}")).unwrap();
        let (_, problems) = check();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains(&format!("attachment {id}, a.pdf: its content is not the 19 bytes")),
            "{problems:?}"
        );
    });
}
