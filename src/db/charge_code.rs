//! Charge codes: what was decided about them, which ones partners bill, and what stands behind each.
//!
//! Codes are listed by skipping from one to the next in the index on them, so that it costs what there are codes, not
//! charges. Only charges in the category accessorial can be unmapped (see [`CodeBook::meaning`]), so only those are read.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::{count_star, max, min, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::DbError;
use super::conn::Db;
use super::schema::{
    accessorial_events, accessorial_rates, charge_aliases, charges, contract_versions, invoice_lines,
    invoices, partners, shipments, sources,
};
use super::shipment::partner_filter;
use super::types::{Day, Instant, sql as sql_types};
use crate::domain::accessorial::AccessorialRate;
use crate::domain::charge_code::{ChargeKind, CodeBook, Meaning, normal_code};
use crate::domain::field::BadCode;
use crate::domain::money::Micros;
use crate::domain::viewer::Viewer;

/// Codes read at most, over all partners; a feed that writes a new code on every line would never end.
pub const CODES_MAX: usize = 10_000;
/// Codes in one statement; stays far below SQLite's limit of binds.
const CODES_PER_STATEMENT: usize = 500;
/// The category of charges that a code alone explains.
const CATEGORY: &str = "ACCESSORIAL";
/// Versions that were never approved name no codes that count.
const UNAPPROVED: [&str; 2] = ["DRAFT", "IN_REVIEW"];

/// One decision about a code.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = charge_aliases, treat_none_as_default_value = false)]
pub struct AliasRow {
    /// Whose code.
    pub partner_id: i64,
    /// The code, by [`normal_code`].
    pub alias: String,
    /// 1 for the first decision, one more for each after it.
    pub seq: i32,
    /// [`ChargeKind`]; none takes the decision before back.
    pub kind: Option<String>,
    /// The accessorial code, for that kind.
    pub code: Option<String>,
    /// Why.
    pub note: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// Their user id; 0 for the command line.
    pub actor_id: i64,
}

impl AliasRow {
    /// What was decided; none when a decision was taken back.
    ///
    /// # Errors
    /// [`DbError::Stored`] for a row that does not read back.
    pub fn meaning(&self) -> Result<Option<Meaning>, DbError> {
        let Some(kind) = &self.kind else { return Ok(None) };
        let stored = |reason: String| DbError::Stored {
            what: format!(
                "decision {} about charge code {} of partner {}",
                self.seq, self.alias, self.partner_id
            ),
            reason,
        };
        let kind: ChargeKind = kind.parse().map_err(|error: BadCode| stored(error.to_string()))?;
        let meaning = Meaning::of(kind, self.code.as_deref());
        meaning.map(Some).ok_or_else(|| stored("an accessorial without its code".to_owned()))
    }
}

/// Adds a decision; a second one of the same number fails.
///
/// # Errors
/// The engine's reason.
pub fn alias_insert(db: &mut Db, row: &AliasRow) -> QueryResult<()> {
    diesel::insert_into(charge_aliases::table).values(row).execute(db).map(drop)
}

/// Every decision about a code, the newest first; nothing when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn alias_history(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    alias: &str,
) -> QueryResult<Vec<AliasRow>> {
    if !viewer.sees(partner_id) {
        return Ok(Vec::new());
    }
    charge_aliases::table
        .filter(charge_aliases::partner_id.eq(partner_id))
        .filter(charge_aliases::alias.eq(alias))
        .order(charge_aliases::seq.desc())
        .select(AliasRow::as_select())
        .load(db)
}

/// Every decision, by partner, code and number, and whether its partner exists.
///
/// Unscoped: `verify` reads all partners.
///
/// # Errors
/// The engine's reason.
pub fn alias_rows_unscoped(db: &mut Db) -> QueryResult<Vec<(AliasRow, bool)>> {
    let rows: Vec<(AliasRow, Option<i64>)> = charge_aliases::table
        .left_join(partners::table.on(partners::id.eq(charge_aliases::partner_id)))
        .order((charge_aliases::partner_id, charge_aliases::alias, charge_aliases::seq))
        .select((AliasRow::as_select(), partners::id.nullable()))
        .load(db)?;
    Ok(rows.into_iter().map(|(row, partner)| (row, partner.is_some())).collect())
}

/// The newest decision about each code, by partner and code, also of those taken back.
///
/// # Errors
/// The engine's reason.
pub fn alias_list(db: &mut Db, viewer: &Viewer, partner: Option<i64>) -> QueryResult<Vec<AliasRow>> {
    let Some(asked) = partner_filter(viewer, partner) else { return Ok(Vec::new()) };
    let mut query = charge_aliases::table.into_boxed();
    if let Some(id) = asked {
        query = query.filter(charge_aliases::partner_id.eq(id));
    }
    let rows: Vec<AliasRow> = query
        .order((charge_aliases::partner_id, charge_aliases::alias, charge_aliases::seq))
        .select(AliasRow::as_select())
        .load(db)?;
    let newest: BTreeMap<(i64, String), AliasRow> =
        rows.into_iter().map(|row| ((row.partner_id, row.alias.clone()), row)).collect();
    Ok(newest.into_values().collect())
}

/// Code and label of the accessorial charges in a partner's approved contract versions; nothing when the viewer may not
/// see it.
///
/// # Errors
/// [`DbError::Stored`] for a rate that does not read back, or the engine's reason.
pub fn contract_codes(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
) -> Result<BTreeMap<i64, BTreeMap<String, String>>, DbError> {
    let Some(asked) = partner_filter(viewer, partner) else { return Ok(BTreeMap::new()) };
    let mut query = accessorial_rates::table
        .inner_join(
            contract_versions::table.on(contract_versions::id.eq(accessorial_rates::contract_version_id)),
        )
        .filter(contract_versions::status.ne_all(UNAPPROVED))
        .into_boxed();
    if let Some(id) = asked {
        query = query.filter(accessorial_rates::partner_id.eq(id));
    }
    let rows: Vec<(i64, i64, String)> = query
        .order(accessorial_rates::contract_version_id)
        .select((accessorial_rates::partner_id, accessorial_rates::id, accessorial_rates::terms))
        .load(db)?;
    let mut found: BTreeMap<i64, BTreeMap<String, String>> = BTreeMap::new();
    for (partner_id, id, terms) in rows {
        let rate: AccessorialRate = serde_json::from_str(&terms).map_err(|error| DbError::Stored {
            what: format!("accessorial rate {id}"),
            reason: error.to_string(),
        })?;
        found.entry(partner_id).or_default().insert(rate.code, rate.label);
    }
    Ok(found)
}

/// What was decided about codes, by partner.
///
/// # Errors
/// As [`code_books`].
pub fn decided_codes(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
) -> Result<BTreeMap<i64, Vec<(String, Meaning)>>, DbError> {
    let mut decided: BTreeMap<i64, Vec<(String, Meaning)>> = BTreeMap::new();
    for row in alias_list(db, viewer, partner)? {
        if let Some(meaning) = row.meaning()? {
            decided.entry(row.partner_id).or_default().push((row.alias, meaning));
        }
    }
    Ok(decided)
}

/// What codes mean, by partner; a partner without decisions and contracts has none and gets the empty book.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn code_books(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
) -> Result<BTreeMap<i64, CodeBook>, DbError> {
    let mut decided = decided_codes(db, viewer, partner)?;
    let mut contracts = contract_codes(db, viewer, partner)?;
    let mut partners: Vec<i64> = decided.keys().chain(contracts.keys()).copied().collect();
    partners.sort_unstable();
    partners.dedup();
    Ok(partners
        .into_iter()
        .map(|id| {
            let contract = contracts.remove(&id).unwrap_or_default();
            (id, CodeBook::new(decided.remove(&id).unwrap_or_default(), contract))
        })
        .collect())
}

#[derive(QueryableByName)]
struct CodeOf {
    #[diesel(sql_type = BigInt)]
    partner_id: i64,
    #[diesel(sql_type = Text)]
    code: String,
}

/// The codes that partners bill beside linehaul, fuel and tax, or report events under, by partner and code, at most
/// [`CODES_MAX`] of each; and whether there are more.
///
/// # Errors
/// The engine's reason.
pub fn billed_codes(
    db: &mut Db,
    viewer: &Viewer,
    partner: Option<i64>,
) -> QueryResult<(Vec<(i64, String)>, bool)> {
    let Some(asked) = partner_filter(viewer, partner) else { return Ok((Vec::new(), false)) };
    let only = asked.map_or_else(String::new, |id| format!("WHERE p.id = {id}"));
    let mut codes = BTreeSet::new();
    let mut more = false;
    for (table, of_category) in [
        ("charges", format!(" AND h.category = '{CATEGORY}'")),
        ("accessorial_events", " AND NOT h.withdrawn".to_owned()),
        ("invoice_lines", format!(" AND h.category = '{CATEGORY}'")),
    ] {
        let rows = codes_skipping(db, (table, &of_category), &only)?;
        more |= rows.len() > CODES_MAX;
        codes.extend(rows.into_iter().take(CODES_MAX).map(|row| (row.partner_id, row.code)));
    }
    Ok((codes.into_iter().collect(), more))
}

/// The codes of a table, one more than [`CODES_MAX`] at most.
fn codes_skipping(db: &mut Db, (table, of): (&str, &str), only: &str) -> QueryResult<Vec<CodeOf>> {
    // A subquery for the next code is one look into the index; the engines have no such scan of their own.
    let next = |partner: &str, after: &str| {
        format!("(SELECT MIN(h.code) FROM {table} h WHERE h.partner_id = {partner}{of}{after})")
    };
    diesel::sql_query(format!(
        "WITH RECURSIVE c (partner_id, code) AS (SELECT p.id, {first} FROM partners p {only} \
         UNION ALL SELECT c.partner_id, {then} FROM c WHERE c.code IS NOT NULL) \
         SELECT c.partner_id AS partner_id, c.code AS code FROM c WHERE c.code IS NOT NULL LIMIT {limit}",
        first = next("p.id", ""),
        then = next("c.partner_id", " AND h.code > c.code"),
        limit = CODES_MAX.saturating_add(1),
    ))
    .load(db)
}

/// How many events a partner reports under each of some codes; nothing when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn event_counts(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    codes: &[String],
) -> QueryResult<Vec<(String, i64)>> {
    let mut found = Vec::new();
    if !viewer.sees(partner_id) {
        return Ok(found);
    }
    for chunk in codes.chunks(CODES_PER_STATEMENT) {
        let rows: Vec<(String, i64)> = accessorial_events::table
            .filter(accessorial_events::partner_id.eq(partner_id))
            .filter(accessorial_events::code.eq_any(chunk))
            .filter(accessorial_events::withdrawn.eq(false))
            .group_by(accessorial_events::code)
            .order(accessorial_events::code)
            .select((accessorial_events::code, count_star()))
            .load(db)?;
        found.extend(rows);
    }
    Ok(found)
}

/// How many codes of each partner nobody has mapped yet, two spellings of one being one; partners with none are left out.
/// Codes beyond [`CODES_MAX`] are not counted.
///
/// # Errors
/// [`DbError::Stored`] for a row that does not read back, or the engine's reason.
pub fn unmapped_counts(db: &mut Db, viewer: &Viewer) -> Result<BTreeMap<i64, i64>, DbError> {
    let books = code_books(db, viewer, None)?;
    let (codes, _) = billed_codes(db, viewer, None)?;
    let mut waiting: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (partner_id, code) in unmapped_of(&books, codes) {
        waiting.entry(partner_id).or_default().insert(normal_code(&code));
    }
    let count = |codes: BTreeSet<String>| i64::try_from(codes.len()).unwrap_or(i64::MAX);
    Ok(waiting.into_iter().map(|(partner_id, codes)| (partner_id, count(codes))).collect())
}

/// Those of the codes that mean nothing yet.
pub fn unmapped_of(
    books: &BTreeMap<i64, CodeBook>,
    codes: Vec<(i64, String)>,
) -> impl Iterator<Item = (i64, String)> + '_ {
    let none = CodeBook::default();
    codes.into_iter().filter(move |(partner_id, code)| {
        books.get(partner_id).unwrap_or(&none).meaning(code, CATEGORY).is_none()
    })
}

/// What is billed under one code in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeSum {
    /// The code as the feed writes it.
    pub code: String,
    /// Currency.
    pub currency: String,
    /// Charge lines.
    pub lines: i64,
    /// Their amount.
    pub amount: Micros,
    /// First day of a charge that names its day.
    pub first: Option<chrono::NaiveDate>,
    /// Last day.
    pub last: Option<chrono::NaiveDate>,
}

/// Code, currency, lines, amount, first and last day.
type SumRow = (String, String, i64, i64, Option<Day>, Option<Day>);

fn code_sum((code, currency, lines, amount, first, last): SumRow) -> CodeSum {
    let day = |day: Option<Day>| day.map(|day| day.0);
    CodeSum { code, currency, lines, amount: Micros(amount), first: day(first), last: day(last) }
}

/// What a partner bills under some codes, by code and currency; nothing when the viewer may not see it.
///
/// # Errors
/// The engine's reason.
pub fn code_sums(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    codes: &[String],
) -> QueryResult<Vec<CodeSum>> {
    let mut found = Vec::new();
    if !viewer.sees(partner_id) {
        return Ok(found);
    }
    for chunk in codes.chunks(CODES_PER_STATEMENT) {
        let rows: Vec<SumRow> = charges::table
            .filter(charges::partner_id.eq(partner_id))
            .filter(charges::category.eq(CATEGORY))
            .filter(charges::code.eq_any(chunk))
            .group_by((charges::code, charges::currency))
            .order((charges::code, charges::currency))
            .select((
                charges::code,
                charges::currency,
                count_star(),
                sql::<BigInt>("CAST(SUM(charges.amount_micros) AS BIGINT)"),
                min(charges::charged_day),
                max(charges::charged_day),
            ))
            .load(db)?;
        found.extend(rows.into_iter().map(code_sum));
    }
    // A line of an invoice may be a charge of the feed too, and counts once.
    let charged: BTreeSet<String> = found.iter().map(|sum| sum.code.clone()).collect();
    let others: Vec<String> = codes.iter().filter(|code| !charged.contains(*code)).cloned().collect();
    found.extend(invoiced_sums(db, partner_id, &others)?);
    Ok(found)
}

/// What stands on a partner's invoices under some codes.
fn invoiced_sums(db: &mut Db, partner_id: i64, codes: &[String]) -> QueryResult<Vec<CodeSum>> {
    let mut found = Vec::new();
    for chunk in codes.chunks(CODES_PER_STATEMENT) {
        let rows: Vec<SumRow> = invoice_lines::table
            .inner_join(
                invoices::table.on(invoices::partner_id
                    .eq(invoice_lines::partner_id)
                    .and(invoices::id.eq(invoice_lines::invoice_id))),
            )
            .filter(invoice_lines::partner_id.eq(partner_id))
            .filter(invoice_lines::category.eq(CATEGORY))
            .filter(invoice_lines::code.eq_any(chunk))
            .group_by((invoice_lines::code, invoices::currency))
            .order((invoice_lines::code, invoices::currency))
            .select((
                invoice_lines::code,
                invoices::currency,
                count_star(),
                sql::<BigInt>("CAST(SUM(invoice_lines.amount_micros) AS BIGINT)"),
                sql::<Nullable<sql_types::Day>>("MIN(invoices.issued_on)"),
                sql::<Nullable<sql_types::Day>>("MAX(invoices.issued_on)"),
            ))
            .load(db)?;
        found.extend(rows.into_iter().map(code_sum));
    }
    Ok(found)
}

/// Feed and reference of the newest shipment billed or reported under one of some codes; none when the viewer may not see the partner.
///
/// # Errors
/// The engine's reason.
pub fn code_example(
    db: &mut Db,
    viewer: &Viewer,
    partner_id: i64,
    codes: &[String],
) -> QueryResult<Option<(String, String)>> {
    if !viewer.sees(partner_id) {
        return Ok(None);
    }
    let mut newest: Option<i64> = None;
    for chunk in codes.chunks(CODES_PER_STATEMENT) {
        let id: Option<i64> = charges::table
            .filter(charges::partner_id.eq(partner_id))
            .filter(charges::category.eq(CATEGORY))
            .filter(charges::code.eq_any(chunk))
            .select(max(charges::shipment_id))
            .first(db)?;
        let reported: Option<i64> = accessorial_events::table
            .filter(accessorial_events::partner_id.eq(partner_id))
            .filter(accessorial_events::code.eq_any(chunk))
            .filter(accessorial_events::withdrawn.eq(false))
            .select(max(accessorial_events::shipment_id))
            .first(db)?;
        newest = newest.max(id).max(reported);
    }
    let Some(id) = newest else { return Ok(None) };
    shipments::table
        .inner_join(sources::table.on(sources::id.eq(shipments::source_id)))
        .filter(shipments::partner_id.eq(partner_id))
        .filter(shipments::id.eq(id))
        .select((sources::code, shipments::reference))
        .first(db)
        .optional()
}
