//! The chain of journal entries: each is sealed by a hash over its content and the hash of the entry before it of the
//! same partner. Whoever changes, removes or slips in an entry breaks every seal after it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::digest::sha256;

/// A line as it is sealed, field by field as it lies in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SealedLine {
    /// Number within the entry.
    pub line_no: i32,
    /// Account number.
    pub account: i32,
    /// `DR` or `CR`.
    pub side: String,
    /// Amount in millionths.
    pub amount_micros: i64,
    /// Currency.
    pub currency: String,
}

/// An entry as it is sealed, field by field as it lies in the table. The order of the fields is part of the seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SealedEntry {
    /// The carrier.
    pub partner_id: i64,
    /// Row id.
    pub id: i64,
    /// The obligation.
    pub obligation_key: String,
    /// Contract version.
    pub contract_version_id: i64,
    /// Clause.
    pub clause_id: i64,
    /// The period it is booked for.
    pub period: String,
    /// Local day of the obligation.
    pub obligation_day: NaiveDate,
    /// Posting date.
    pub posting_day: NaiveDate,
    /// Why.
    pub reason: String,
    /// Memo or general ledger.
    pub recognition: String,
    /// In words.
    pub memo: String,
    /// The run that made it.
    pub run_id: Option<i64>,
    /// When it was made, in microseconds since 1970.
    pub created_at_micros: i64,
    /// Its lines by number.
    pub lines: Vec<SealedLine>,
}

/// The seal of an entry that follows on the one sealed by `before`, empty for the first: 64 hex digits.
#[must_use]
pub fn seal(before: &str, entry: &SealedEntry) -> String {
    // Numbers, texts and days only: writing them cannot fail.
    let content = serde_json::to_string(entry).unwrap_or_default();
    sha256(format!("{before}\n{content}"))
}

/// A seal as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// 1, 2, … within the partner.
    pub seq: i64,
    /// The entry.
    pub entry_id: i64,
    /// 64 hex digits.
    pub sha256: String,
}

/// The newest seal of a partner: as much of a chain as proves all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The carrier.
    pub partner_id: i64,
    /// How many entries it has.
    pub seq: i64,
    /// The seal of the last one.
    pub sha256: String,
}

/// One hash over the heads of all partners, in order: the state of the whole ledger.
#[must_use]
pub fn ledger_digest(heads: &[Head]) -> String {
    let lines: Vec<String> =
        heads.iter().map(|head| format!("{} {} {}", head.partner_id, head.seq, head.sha256)).collect();
    sha256(lines.join("\n"))
}

/// Where a chain breaks first, in words; none when it is whole. `entries` are all of one partner by id, `seals` by number.
/// Entries of a partner without any seal are not judged: they are sealed with the next run of the accruals.
#[must_use]
pub fn first_break(entries: &BTreeMap<i64, SealedEntry>, seals: &[Seal]) -> Option<(i64, String)> {
    if seals.is_empty() {
        return None;
    }
    let mut before = String::new();
    let mut left = entries.len();
    for (stored, seq) in seals.iter().zip(1_i64..) {
        if stored.seq != seq {
            return Some((stored.entry_id, format!("seal {seq} of its chain is missing")));
        }
        let Some(entry) = entries.get(&stored.entry_id) else {
            return Some((stored.entry_id, format!("it was sealed as number {seq} and is gone")));
        };
        if seal(&before, entry) != stored.sha256 {
            return Some((
                stored.entry_id,
                format!("it is not what was sealed as number {seq}, or an entry before it was changed"),
            ));
        }
        before.clone_from(&stored.sha256);
        left = left.saturating_sub(1);
    }
    if left == 0 {
        return None;
    }
    let sealed: std::collections::BTreeSet<i64> = seals.iter().map(|seal| seal.entry_id).collect();
    let slipped_in = entries.keys().find(|id| !sealed.contains(id))?;
    Some((*slipped_in, "it was never sealed".to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(id: i64) -> SealedEntry {
        let line = |line_no, account, side: &str| SealedLine {
            line_no,
            account,
            side: side.to_owned(),
            amount_micros: id * 1_000_000,
            currency: "USD".to_owned(),
        };
        SealedEntry {
            partner_id: 7,
            id,
            obligation_key: format!("cv:1/cl:2/ev:{id}"),
            contract_version_id: 1,
            clause_id: 2,
            period: "2025-06".to_owned(),
            obligation_day: NaiveDate::from_ymd_opt(2025, 6, 3).unwrap(),
            posting_day: NaiveDate::from_ymd_opt(2025, 6, 4).unwrap(),
            reason: "INITIAL".to_owned(),
            recognition: "MEMO".to_owned(),
            memo: "1 day late.".to_owned(),
            run_id: None,
            created_at_micros: 1_750_000_000_000_000,
            lines: vec![line(1, 1410, "DR"), line(2, 5190, "CR")],
        }
    }

    fn chain(n: i64) -> (BTreeMap<i64, SealedEntry>, Vec<Seal>) {
        let entries: BTreeMap<i64, SealedEntry> = (1..=n).map(|id| (id * 10, entry(id * 10))).collect();
        let mut before = String::new();
        let mut seals = Vec::new();
        for (entry, seq) in entries.values().zip(1_i64..) {
            before = seal(&before, entry);
            seals.push(Seal { seq, entry_id: entry.id, sha256: before.clone() });
        }
        (entries, seals)
    }

    #[test]
    fn a_whole_chain_is_whole_and_the_state_of_the_ledger_follows_its_heads() {
        let (entries, seals) = chain(4);
        assert_eq!(first_break(&entries, &seals), None);
        assert_eq!(first_break(&entries, &[]), None, "sealed with the next run");
        let head = |seq, sha256: &str| Head { partner_id: 7, seq, sha256: sha256.to_owned() };
        assert_ne!(ledger_digest(&[head(4, "ab")]), ledger_digest(&[head(5, "cd")]));
    }

    proptest! {
        #[test]
        fn any_change_is_found_at_the_entry_that_was_changed(n in 1_i64..12, at in 0_usize..12, what in 0_usize..12) {
            let (mut entries, mut seals) = chain(n);
            let id = seals[at % seals.len()].entry_id;
            let changed = entries.get_mut(&id).unwrap();
            match what {
                0 => changed.memo.push('.'),
                1 => changed.lines[0].amount_micros += 1,
                2 => changed.lines[1].account = 1420,
                3 => changed.posting_day = changed.posting_day.succ_opt().unwrap(),
                4 => changed.reason = "TRUE_UP".to_owned(),
                5 => changed.recognition = "GL".to_owned(),
                6 => changed.obligation_key.push('1'),
                7 => changed.run_id = Some(1),
                8 => { changed.lines.pop(); }
                9 => changed.lines[0].side = "CR".to_owned(),
                10 => { entries.remove(&id); }
                _ => { let extra = 10 * n + 5; entries.insert(extra, entry(extra)); }
            }
            let found = first_break(&entries, &seals).map(|(id, _)| id);
            let expected = if what >= 11 { 10 * n + 5 } else { id };
            prop_assert_eq!(found, Some(expected));
            // Nor can a seal be taken out.
            if n > 1 && what < 10 {
                seals.remove(0);
                prop_assert!(first_break(&entries, &seals).is_some());
            }
        }
    }
}
