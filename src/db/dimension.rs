//! Small tables that facts point to: sources, zones, tolerances, lanes, and partners by any name.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::DbError;
use super::conn::Db;
use super::id::IdMaker;
use super::schema::{lanes, outcome_policies, partner_aliases, partners, sources, zones};
use super::types::Instant;
use crate::domain::outcome::OutcomePolicy;
pub use crate::domain::partner::normal_name;

/// Longest text taken as a code as it stands; longer names become a shortened one.
const MAX_CODE_CHARS: usize = 24;
/// Stands in a code made from a long name, before its number. Names have none, so that no feed's name is taken for a code
/// that was made from another's.
const MADE_CODE_MARK: char = '~';

/// A lane as a feed names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneNames {
    /// Code, or empty for origin and destination joined.
    pub code: String,
    /// Where it starts.
    pub origin: String,
    /// Where it ends.
    pub destination: String,
    /// Region of the destination.
    pub region: String,
}

impl LaneNames {
    /// The code it is stored under; none when nothing is named.
    fn key(&self) -> Option<Cow<'_, str>> {
        if !self.code.is_empty() {
            return Some(Cow::Borrowed(&self.code));
        }
        let named = !self.origin.is_empty() || !self.destination.is_empty();
        named.then(|| Cow::Owned(format!("{}–{}", self.origin, self.destination)))
    }
}

/// Looks dimensions up and makes the missing ones, remembering what it saw. One per import.
pub struct Dimensions<'a> {
    ids: &'a IdMaker,
    now: DateTime<Utc>,
    /// Spellings that came up, codes and aliases; then names, which give way to them.
    partners: HashMap<String, i64>,
    partner_names: HashMap<String, i64>,
    lanes: HashMap<String, i64>,
    sources: HashMap<String, i32>,
    zones: HashMap<Tz, i32>,
    policies: HashMap<OutcomePolicy, i32>,
}

impl<'a> Dimensions<'a> {
    /// Reads what is there.
    ///
    /// # Errors
    /// The engine's reason, or a stored tolerance or zone that does not read back.
    pub fn load(db: &mut Db, ids: &'a IdMaker, now: DateTime<Utc>) -> Result<Self, DbError> {
        let mut dimensions = Self {
            ids,
            now,
            partners: HashMap::new(),
            partner_names: HashMap::new(),
            lanes: lanes::table
                .select((lanes::code, lanes::id))
                .load::<(String, i64)>(db)?
                .into_iter()
                .collect(),
            sources: sources::table
                .select((sources::code, sources::id))
                .load::<(String, i32)>(db)?
                .into_iter()
                .collect(),
            zones: zones_by_id(db)?.into_iter().map(|(id, zone)| (zone, id)).collect(),
            policies: policies_by_id(db)?.into_iter().map(|(id, policy)| (policy, id)).collect(),
        };
        // A code beats an alias, and both beat a name: later entries do not replace earlier ones.
        let named: Vec<(i64, String, String)> = partners::table
            .select((partners::id, partners::code, partners::name))
            .order(partners::id)
            .load(db)?;
        let aliases: Vec<(String, i64)> =
            partner_aliases::table.select((partner_aliases::alias, partner_aliases::partner_id)).load(db)?;
        for (id, code, _) in &named {
            dimensions.partners.entry(normal_name(code)).or_insert(*id);
        }
        for (alias, id) in aliases {
            dimensions.partners.entry(alias).or_insert(id);
        }
        for (id, _, name) in &named {
            dimensions.partner_names.entry(normal_name(name)).or_insert(*id);
        }
        Ok(dimensions)
    }

    /// The partner of that code, name or alias.
    #[must_use]
    pub fn partner(&self, text: &str) -> Option<i64> {
        // The exact text is remembered after the first look, so the usual path allocates nothing.
        self.partners.get(text).copied().or_else(|| {
            let name = normal_name(text);
            self.partners.get(&name).or_else(|| self.partner_names.get(&name)).copied()
        })
    }

    /// The partner of that code or alias; a partner that is only called so is none.
    #[must_use]
    pub fn partner_by_code(&self, text: &str) -> Option<i64> {
        self.partners.get(&normal_name(text)).copied()
    }

    /// Remembers that a partner is called something else now, so that the next row finds it as the next import would.
    pub fn partner_rename(&mut self, id: i64, before: &str, after: &str) {
        let before = normal_name(before);
        if self.partner_names.get(&before) == Some(&id) {
            self.partner_names.remove(&before);
        }
        self.partner_names.entry(normal_name(after)).or_insert(id);
    }

    /// Remembers the spelling of a feed, so that the next row finds it without folding case.
    pub fn remember_partner(&mut self, text: &str, id: i64) {
        self.partners.entry(text.to_owned()).or_insert(id);
    }

    /// Creates a partner under the name a feed uses.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn partner_create(&mut self, db: &mut Db, text: &str, name: Option<&str>) -> QueryResult<i64> {
        let id = self.ids.next(self.now);
        let code = self.free_code(text);
        diesel::insert_into(partners::table)
            .values((
                partners::id.eq(id),
                partners::code.eq(&code),
                partners::name.eq(name.unwrap_or(text)),
                partners::created_at.eq(Instant(self.now)),
            ))
            .execute(db)?;
        let alias = normal_name(text);
        diesel::insert_into(partner_aliases::table)
            .values((partner_aliases::alias.eq(&alias), partner_aliases::partner_id.eq(id)))
            .execute(db)?;
        self.partners.insert(normal_name(&code), id);
        self.partners.insert(alias, id);
        self.partners.insert(text.to_owned(), id);
        self.partner_names.entry(normal_name(name.unwrap_or(text))).or_insert(id);
        Ok(id)
    }

    /// A short name as it stands; a long one cut at a word, marked and numbered.
    fn free_code(&self, text: &str) -> String {
        let trimmed = text.trim();
        if trimmed.chars().count() <= MAX_CODE_CHARS {
            return trimmed.to_owned();
        }
        let mut short = String::new();
        for word in trimmed.split_whitespace() {
            if !short.is_empty() && short.chars().count() + 1 + word.chars().count() > MAX_CODE_CHARS {
                break;
            }
            if !short.is_empty() {
                short.push(' ');
            }
            short.extend(word.chars().take(MAX_CODE_CHARS));
        }
        let numbered = |number: u32| format!("{short}{MADE_CODE_MARK}{number}");
        let taken = |code: &String| self.partner(code).is_some();
        (1..).map(numbered).find(|code| !taken(code)).unwrap_or(short)
    }

    /// Whether there is a lane of these names.
    #[must_use]
    pub fn lane_known(&self, names: &LaneNames) -> bool {
        names.key().is_some_and(|code| self.lanes.contains_key(code.as_ref()))
    }

    /// The lane, made when it is new. None when the feed names none.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn lane(&mut self, db: &mut Db, names: &LaneNames) -> QueryResult<Option<i64>> {
        let Some(code) = names.key() else { return Ok(None) };
        if let Some(id) = self.lanes.get(code.as_ref()) {
            return Ok(Some(*id));
        }
        let id = self.ids.next(self.now);
        diesel::insert_into(lanes::table)
            .values((
                lanes::id.eq(id),
                lanes::code.eq(code.as_ref()),
                lanes::origin.eq(&names.origin),
                lanes::destination.eq(&names.destination),
                lanes::region.eq(&names.region),
                lanes::created_at.eq(Instant(self.now)),
            ))
            .execute(db)?;
        self.lanes.insert(code.into_owned(), id);
        Ok(Some(id))
    }

    /// The feed, made when it is new.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn source(&mut self, db: &mut Db, code: &str) -> QueryResult<i32> {
        if let Some(id) = self.sources.get(code) {
            return Ok(*id);
        }
        let id = next_number(sources::table.select(diesel::dsl::max(sources::id)).first(db))?;
        diesel::insert_into(sources::table)
            .values((sources::id.eq(id), sources::code.eq(code)))
            .execute(db)?;
        self.sources.insert(code.to_owned(), id);
        Ok(id)
    }

    /// The zone, made when it is new.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn zone(&mut self, db: &mut Db, zone: Tz) -> QueryResult<i32> {
        if let Some(id) = self.zones.get(&zone) {
            return Ok(*id);
        }
        let id = next_number(zones::table.select(diesel::dsl::max(zones::id)).first(db))?;
        diesel::insert_into(zones::table)
            .values((zones::id.eq(id), zones::name.eq(zone.name())))
            .execute(db)?;
        self.zones.insert(zone, id);
        Ok(id)
    }

    /// The tolerance, made when it is new.
    ///
    /// # Errors
    /// The engine's reason.
    pub fn policy(&mut self, db: &mut Db, policy: OutcomePolicy) -> Result<i32, DbError> {
        if let Some(id) = self.policies.get(&policy) {
            return Ok(*id);
        }
        let id =
            next_number(outcome_policies::table.select(diesel::dsl::max(outcome_policies::id)).first(db))?;
        let terms = serde_json::to_string(&policy)
            .map_err(|error| DbError::Stored { what: "a tolerance".to_owned(), reason: error.to_string() })?;
        diesel::insert_into(outcome_policies::table)
            .values((outcome_policies::id.eq(id), outcome_policies::terms.eq(terms)))
            .execute(db)?;
        self.policies.insert(policy, id);
        Ok(id)
    }
}

fn next_number(highest: QueryResult<Option<i32>>) -> QueryResult<i32> {
    Ok(highest?.unwrap_or(0) + 1)
}

/// Every stored zone by its number.
///
/// # Errors
/// The engine's reason, or a name that is no zone.
pub fn zones_by_id(db: &mut Db) -> Result<HashMap<i32, Tz>, DbError> {
    let rows: Vec<(i32, String)> = zones::table.select((zones::id, zones::name)).load(db)?;
    rows.into_iter()
        .map(|(id, name)| match name.parse() {
            Ok(zone) => Ok((id, zone)),
            Err(_) => {
                Err(DbError::Stored { what: format!("zone {id}"), reason: format!("`{name}` is no zone") })
            }
        })
        .collect()
}

/// Every stored tolerance by its number.
///
/// # Errors
/// The engine's reason, or terms that do not read back.
pub fn policies_by_id(db: &mut Db) -> Result<HashMap<i32, OutcomePolicy>, DbError> {
    let rows: Vec<(i32, String)> =
        outcome_policies::table.select((outcome_policies::id, outcome_policies::terms)).load(db)?;
    rows.into_iter()
        .map(|(id, terms)| match serde_json::from_str(&terms) {
            Ok(policy) => Ok((id, policy)),
            Err(error) => Err(DbError::Stored { what: format!("tolerance {id}"), reason: error.to_string() }),
        })
        .collect()
}
