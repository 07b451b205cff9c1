//! Running an expression on one row.

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Expr, MAX_EXPR_TEXT_BYTES, Node, Op, Slot};
use crate::feeds::cell::{self, DateFormats, Instant, Written, ZoneBook, ZoneId};
use crate::feeds::error::shown;
use crate::feeds::fields::{Store, Value};
use crate::feeds::kind::{Edge, Field};
use crate::feeds::mapping::Patterns;
use crate::feeds::table::Row;

/// Furthest a computed time may be from the one it starts from.
const MAX_MINUTES: i64 = 100 * 366 * 24 * 60;
const MAX_DAYS: i64 = 100 * 366;
const MAX_PLACES: u32 = 12;
const MINUTES_PER_DAY: u32 = 24 * 60;

/// A value while computing.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::feeds) enum Val<'a> {
    Blank,
    Text(Cow<'a, str>),
    Number(Decimal),
    Bool(bool),
    Date(NaiveDate),
    /// Minutes since midnight; 1,440 is midnight of the next day.
    Time(u32),
    Instant(Instant, ZoneId),
}

impl Val<'_> {
    /// The value free of the row it came from.
    pub(in crate::feeds) fn into_owned(self) -> Val<'static> {
        match self {
            Self::Text(text) => Val::Text(Cow::Owned(text.into_owned())),
            Self::Blank => Val::Blank,
            Self::Number(n) => Val::Number(n),
            Self::Bool(b) => Val::Bool(b),
            Self::Date(day) => Val::Date(day),
            Self::Time(minutes) => Val::Time(minutes),
            Self::Instant(at, zone) => Val::Instant(at, zone),
        }
    }
}

/// What an expression can see of a row, and how it reads texts.
pub(in crate::feeds) struct Env<'a, 'z> {
    pub(in crate::feeds) row: &'a Row,
    pub(in crate::feeds) store: &'a Store,
    pub(in crate::feeds) zones: &'z mut ZoneBook,
    /// Zone of the field that is computed.
    pub(in crate::feeds) zone: Option<ZoneId>,
    pub(in crate::feeds) edge: Edge,
    pub(in crate::feeds) starts_day: bool,
    pub(in crate::feeds) formats: &'a DateFormats,
    /// Texts that mean "no value".
    pub(in crate::feeds) no_value: &'a Patterns,
}

type Result<'a> = std::result::Result<Val<'a>, String>;

const NO_ZONE: &str = "a time without a zone: add `zone = \"…\"` to the mapping or map the zone column";
const OUT_OF_RANGE: &str = "the result is outside the range of dates or numbers";

impl Expr {
    /// The value on one row; what is wrong with the row in words.
    pub(in crate::feeds) fn run<'a>(&'a self, env: &mut Env<'a, '_>) -> Result<'a> {
        eval(&self.root, env)
    }
}

fn eval<'a>(node: &'a Node, env: &mut Env<'a, '_>) -> Result<'a> {
    Ok(match node {
        Node::Blank => Val::Blank,
        Node::Text(text) if text.is_empty() => Val::Blank,
        Node::Text(text) => Val::Text(Cow::Borrowed(text)),
        Node::Number(number) => Val::Number(*number),
        Node::Zone(zone) => Val::Text(Cow::Borrowed(zone.name())),
        Node::Slot(Slot::Column(column)) => {
            let text = env.row.get(*column).unwrap_or_default().trim();
            let blank = text.is_empty() || env.no_value.hold(text);
            if blank { Val::Blank } else { Val::Text(Cow::Borrowed(text)) }
        }
        Node::Slot(Slot::Field(field)) => of_field(*field, env)?,
        Node::DateBy(inner, formats) => match eval(inner, env)? {
            Val::Blank => Val::Blank,
            other => date(&written(other), formats)?,
        },
        Node::Call(op, args) => call(*op, args, env)?,
    })
}

/// The value of a field mapped or computed before.
fn of_field<'a>(field: Field, env: &Env<'a, '_>) -> Result<'a> {
    let store = env.store;
    Ok(match store.value(field) {
        Value::Blank => Val::Blank,
        Value::Text { start, end } => {
            store.slice(start, end).map_or(Val::Blank, |t| Val::Text(Cow::Borrowed(t)))
        }
        Value::Choice(place) => store.word(field, place).map_or(Val::Blank, |t| Val::Text(Cow::Borrowed(t))),
        Value::Zone(id) => Val::Text(Cow::Borrowed(env.zones.zone(id).name())),
        Value::Int(n) => Val::Number(n.into()),
        Value::Decimal(n) => Val::Number(n),
        Value::Day(day) => Val::Date(day),
        Value::Instant(instant) => Val::Instant(instant, env.zone.ok_or(NO_ZONE)?),
    })
}

fn call<'a>(op: Op, args: &'a [Node], env: &mut Env<'a, '_>) -> Result<'a> {
    match op {
        Op::Or | Op::And => return logic(op, args, env),
        Op::If => return choose(args, env),
        Op::Coalesce => {
            for arg in args {
                let value = eval(arg, env)?;
                if value != Val::Blank {
                    return Ok(value);
                }
            }
            return Ok(Val::Blank);
        }
        Op::Concat => return concat(args, env),
        Op::IsBlank => {
            let [arg] = args else { return Ok(Val::Blank) };
            return Ok(Val::Bool(eval(arg, env)? == Val::Blank));
        }
        // To replace by nothing is the point of half of its uses.
        Op::Replace => return replace(args, env),
        _ => {}
    }
    let mut values = [Val::Blank, Val::Blank, Val::Blank];
    for (slot, arg) in values.iter_mut().zip(args) {
        *slot = eval(arg, env)?;
        if *slot == Val::Blank {
            return Ok(Val::Blank);
        }
    }
    let [a, b, c] = values;
    match op {
        Op::Trim => Ok(text(written(a).trim().to_owned())),
        Op::Upper => Ok(text(written(a).to_uppercase())),
        Op::Lower => Ok(text(written(a).to_lowercase())),
        Op::Substr => substr(&written(a), &b, &c),
        _ => calculate(op, a, b, c, env),
    }
}

fn calculate<'a>(op: Op, a: Val<'a>, b: Val<'a>, c: Val<'a>, env: &mut Env<'a, '_>) -> Result<'a> {
    match (op, a, b) {
        (Op::Not, Val::Bool(a), _) => Ok(Val::Bool(!a)),
        (Op::Equal | Op::Unequal | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual, a, b) => {
            Ok(compare(op, &a, &b))
        }
        (Op::Negate, Val::Number(a), _) => Ok(Val::Number(-a)),
        (Op::Round, Val::Number(a), places) => round(a, &places),
        (Op::Add | Op::Subtract | Op::Multiply | Op::Divide, Val::Number(a), Val::Number(b)) => {
            arithmetic(op, a, b)
        }
        (Op::Number, a, _) => number(&written(a)),
        (Op::Hhmm, a, _) => hhmm(&written(a)),
        (Op::Date, Val::Instant(at, zone), _) => {
            Ok(Val::Date(at.utc.with_timezone(&env.zones.zone(zone)).date_naive()))
        }
        (Op::Date, a, _) => date(&written(a), env.formats),
        (Op::Datetime, Val::Date(day), Val::Time(minutes)) => at(day, minutes, c, env),
        (Op::Datetime, a, _) => stamp(&written(a), env),
        (Op::AddMinutes, Val::Instant(at, zone), Val::Number(n)) => {
            let delta = TimeDelta::minutes(whole(n, MAX_MINUTES)?);
            let utc = at.utc.checked_add_signed(delta).ok_or(OUT_OF_RANGE)?;
            Ok(Val::Instant(Instant { utc, ..at }, zone))
        }
        (Op::AddDays, Val::Date(day), Val::Number(n)) => {
            let days = TimeDelta::days(whole(n, MAX_DAYS)?);
            Ok(Val::Date(day.checked_add_signed(days).ok_or(OUT_OF_RANGE)?))
        }
        (Op::AddDays, Val::Instant(at, zone), Val::Number(n)) => {
            let utc = add_days(at.utc, whole(n, MAX_DAYS)?, zone, env).ok_or(OUT_OF_RANGE)?;
            Ok(Val::Instant(Instant { utc, ..at }, zone))
        }
        (Op::NotBefore, Val::Instant(at, zone), Val::Instant(earlier, _)) => {
            let utc = not_before(at.utc, earlier.utc, zone, env).ok_or(OUT_OF_RANGE)?;
            Ok(Val::Instant(Instant { utc, ..at }, zone))
        }
        (op, ..) => Err(format!("`{}` cannot be computed from these values", op.name())),
    }
}

/// `and`, `or` over yes, no and blank: a blank matters only where it could change the answer.
fn logic<'a>(op: Op, args: &'a [Node], env: &mut Env<'a, '_>) -> Result<'a> {
    let deciding = op == Op::Or;
    let mut blank = false;
    for arg in args {
        match eval(arg, env)? {
            Val::Bool(value) if value == deciding => return Ok(Val::Bool(deciding)),
            Val::Bool(_) => {}
            _ => blank = true,
        }
    }
    Ok(if blank { Val::Blank } else { Val::Bool(!deciding) })
}

fn choose<'a>(args: &'a [Node], env: &mut Env<'a, '_>) -> Result<'a> {
    let [condition, yes, no] = args else { return Ok(Val::Blank) };
    match eval(condition, env)? {
        Val::Bool(true) => eval(yes, env),
        Val::Bool(false) => eval(no, env),
        _ => Ok(Val::Blank),
    }
}

fn concat<'a>(args: &'a [Node], env: &mut Env<'a, '_>) -> Result<'a> {
    let mut whole = String::new();
    for arg in args {
        match eval(arg, env)? {
            Val::Blank => {}
            value => whole.push_str(&written(value)),
        }
    }
    bounded(whole)
}

fn replace<'a>(args: &'a [Node], env: &mut Env<'a, '_>) -> Result<'a> {
    let [from, find, put] = args else { return Ok(Val::Blank) };
    let (from, find, put) = (eval(from, env)?, eval(find, env)?, eval(put, env)?);
    if from == Val::Blank || find == Val::Blank {
        return Ok(from);
    }
    let (from, find, put) = (written(from), written(find), written(put));
    let found = from.matches(&*find).count();
    // Checked before it is built: a short text put for every letter of a long one grows fast.
    if found.saturating_mul(put.len()).saturating_add(from.len()) > MAX_EXPR_TEXT_BYTES {
        return Err(too_long());
    }
    Ok(text(from.replace(&*find, &put)))
}

fn substr<'a>(from: &str, start: &Val<'a>, length: &Val<'a>) -> Result<'a> {
    let place = |value: &Val<'_>| match value {
        Val::Number(n) => n.to_usize().ok_or("a place in a text must be a whole number from 1"),
        _ => Ok(usize::MAX),
    };
    let skipped = place(start)?.saturating_sub(1);
    Ok(text(from.chars().skip(skipped).take(place(length)?).collect()))
}

/// Text is blank when it is empty, everywhere.
fn text<'a>(text: String) -> Val<'a> {
    if text.is_empty() { Val::Blank } else { Val::Text(Cow::Owned(text)) }
}

fn bounded<'a>(whole: String) -> Result<'a> {
    if whole.len() > MAX_EXPR_TEXT_BYTES { Err(too_long()) } else { Ok(text(whole)) }
}

fn too_long() -> String {
    format!("the computed text is longer than MAX_EXPR_TEXT_BYTES = {MAX_EXPR_TEXT_BYTES}")
}

/// Any value as text: numbers without trailing zeros, dates in ISO form.
pub(in crate::feeds) fn written(value: Val<'_>) -> Cow<'_, str> {
    match value {
        Val::Blank => Cow::Borrowed(""),
        Val::Text(text) => text,
        Val::Number(n) => Cow::Owned(n.normalize().to_string()),
        Val::Bool(true) => Cow::Borrowed("YES"),
        Val::Bool(false) => Cow::Borrowed("NO"),
        Val::Date(day) => Cow::Owned(day.to_string()),
        Val::Time(minutes) => Cow::Owned(format!("{:02}:{:02}", minutes / 60, minutes % 60)),
        Val::Instant(at, _) => Cow::Owned(at.utc.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
    }
}

fn number<'a>(from: &str) -> Result<'a> {
    cell::decimal(from.trim()).map(Val::Number).ok_or_else(|| format!("`{}` is not a number", shown(from)))
}

fn date<'a>(from: &str, formats: &DateFormats) -> Result<'a> {
    match formats.read(from.trim()) {
        Ok(Written::Day(day)) => Ok(Val::Date(day)),
        Ok(Written::Local(local)) => Ok(Val::Date(local.date())),
        Ok(Written::Utc(_)) => {
            Err(format!("`{}` has a zone of its own, so it is a time and no day; use datetime", shown(from)))
        }
        Err(wrong) => Err(format!("`{}` {}", shown(from), formats.reason(wrong))),
    }
}

/// `517`, `0517`, `5:17` → 05:17; `2400` is midnight of the next day.
fn hhmm<'a>(from: &str) -> Result<'a> {
    let bad = || format!("`{}` is not a time of day such as 517 or 05:17", shown(from));
    let trimmed = from.trim();
    let (hours, minutes) = match trimmed.split_once(':') {
        Some((hours, minutes)) => (hours, minutes.split(':').next().unwrap_or_default()),
        None => {
            trimmed.len().checked_sub(2).and_then(|at| trimmed.split_at_checked(at)).unwrap_or(("", trimmed))
        }
    };
    let digits = |part: &str| match part {
        "" => Some(0),
        _ if part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit()) => part.parse::<u32>().ok(),
        _ => None,
    };
    let (hours, minutes) =
        digits(hours).zip(digits(minutes)).filter(|_| !trimmed.is_empty()).ok_or_else(bad)?;
    let total = hours * 60 + minutes;
    if minutes < 60 && total <= MINUTES_PER_DAY { Ok(Val::Time(total)) } else { Err(bad()) }
}

fn at<'a>(day: NaiveDate, minutes: u32, zone: Val<'a>, env: &mut Env<'a, '_>) -> Result<'a> {
    let zone = match zone {
        Val::Blank => env.zone.ok_or(NO_ZONE)?,
        named => {
            let name = written(named);
            env.zones.named(&name).ok_or_else(|| format!("`{name}` is not a zone"))?
        }
    };
    let local = day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(minutes.into()));
    let utc = local.and_then(|local| env.zones.utc(zone, local, env.edge)).ok_or(OUT_OF_RANGE)?;
    Ok(Val::Instant(Instant { utc, date_only: false }, zone))
}

fn stamp<'a>(from: &str, env: &mut Env<'a, '_>) -> Result<'a> {
    let written = env.formats.read(from.trim());
    let written = written.map_err(|wrong| format!("`{}` {}", shown(from), env.formats.reason(wrong)))?;
    let zone = env.zone.ok_or(NO_ZONE)?;
    let instant = env.zones.instant(zone, written, env.edge, env.starts_day).ok_or(OUT_OF_RANGE)?;
    Ok(Val::Instant(instant, zone))
}

fn whole(n: Decimal, most: i64) -> std::result::Result<i64, String> {
    n.is_integer()
        .then(|| n.to_i64())
        .flatten()
        .filter(|n| (-most..=most).contains(n))
        .ok_or_else(|| format!("{n} is not a whole number that can be added to a time"))
}

/// The same local time some days later.
fn add_days(at: DateTime<Utc>, days: i64, zone: ZoneId, env: &mut Env<'_, '_>) -> Option<DateTime<Utc>> {
    if days == 0 {
        return Some(at);
    }
    let local = at.with_timezone(&env.zones.zone(zone)).naive_local();
    let local = match u64::try_from(days) {
        Ok(later) => local.checked_add_days(Days::new(later)),
        Err(_) => local.checked_sub_days(Days::new(days.unsigned_abs())),
    };
    env.zones.utc(zone, local?, env.edge)
}

/// The first of `at` and its following days that is not before `earlier`.
fn not_before(
    at: DateTime<Utc>,
    earlier: DateTime<Utc>,
    zone: ZoneId,
    env: &mut Env<'_, '_>,
) -> Option<DateTime<Utc>> {
    if at >= earlier {
        return Some(at);
    }
    let days = earlier.signed_duration_since(at).num_days();
    // Days of 23 or 25 hours move the guess by one at most on either side.
    for day in days.saturating_sub(1).max(0)..=days.saturating_add(2) {
        let rolled = add_days(at, day, zone, env)?;
        if rolled >= earlier {
            return Some(rolled);
        }
    }
    None
}

fn compare<'a>(op: Op, a: &Val<'_>, b: &Val<'_>) -> Val<'a> {
    let order = match (a, b) {
        (Val::Number(a), Val::Number(b)) => a.cmp(b),
        (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
        (Val::Date(a), Val::Date(b)) => a.cmp(b),
        (Val::Time(a), Val::Time(b)) => a.cmp(b),
        (Val::Instant(a, _), Val::Instant(b, _)) => a.utc.cmp(&b.utc),
        (Val::Text(a), Val::Text(b)) => a.cmp(b),
        _ => return Val::Blank,
    };
    Val::Bool(match op {
        Op::Equal => order == Ordering::Equal,
        Op::Unequal => order != Ordering::Equal,
        Op::Less => order == Ordering::Less,
        Op::LessEqual => order != Ordering::Greater,
        Op::Greater => order == Ordering::Greater,
        _ => order != Ordering::Less,
    })
}

fn arithmetic<'a>(op: Op, a: Decimal, b: Decimal) -> Result<'a> {
    if op == Op::Divide && b.is_zero() {
        return Err("a division by zero".to_owned());
    }
    let result = match op {
        Op::Add => a.checked_add(b),
        Op::Subtract => a.checked_sub(b),
        Op::Multiply => a.checked_mul(b),
        _ => a.checked_div(b),
    };
    result.map(Val::Number).ok_or_else(|| OUT_OF_RANGE.to_owned())
}

fn round<'a>(a: Decimal, places: &Val<'_>) -> Result<'a> {
    let places = match places {
        Val::Number(n) => {
            n.to_u32().filter(|n| *n <= MAX_PLACES).ok_or("the places to round to must be 0 to 12")?
        }
        _ => 0,
    };
    Ok(Val::Number(a.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)))
}
