//! Forms that change something: reading amounts, shares and days from text, and showing a refused edit again
//! with its words beside the fields.

use actix_web::http::StatusCode;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::extract::Form;
use super::page::WebError;
use crate::app::edit::EditError;
use crate::domain::money::{Bps, MICROS_SCALE, Micros};

/// What to say when an amount does not read.
const AMOUNT: &str = "Write an amount such as 1,250.00, with six decimals at most.";
/// What to say when a share does not read.
const SHARE: &str = "Write a percentage such as 2.5, with two decimals at most.";
/// What to say when a day does not read.
const DAY: &str = "Choose a day.";

impl From<EditError> for WebError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound(_) => Self::NotFound,
            EditError::Denied { .. } => Self::Forbidden,
            EditError::Db(error) => error.into(),
            EditError::Invalid(errors) => Self::BadRequest(
                errors.into_iter().map(|(_, message)| sentence(&message)).collect::<Vec<_>>().join(" "),
            ),
            other => Self::Conflict(sentence(&other.to_string())),
        }
    }
}

/// A refused edit, to be shown again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// 422 for fields to correct, 409 when the state of things stands against it.
    pub status: StatusCode,
    /// What concerns no single field.
    pub notice: Option<String>,
}

/// Puts what is wrong beside the fields of the form. `names` are (name in the rules, name on the form).
///
/// # Errors
/// What no form can put right: not found, not allowed, the database.
pub(super) fn refuse(
    form: &mut Form,
    error: EditError,
    names: &[(&str, &'static str)],
) -> Result<Refusal, WebError> {
    match error {
        EditError::Invalid(errors) => {
            // What has no field on this form is told above it, in its own words: a name of ours says nothing there.
            let mut rest: Vec<String> = Vec::new();
            for (field, message) in errors {
                match names.iter().find(|(rule, _)| *rule == field) {
                    Some((_, name)) => form.fail(name, sentence(&message)),
                    None => rest.push(sentence(&message)),
                }
            }
            let notice = (!rest.is_empty()).then(|| rest.join(" "));
            Ok(Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, notice })
        }
        error @ (EditError::NotFound(_) | EditError::Denied { .. } | EditError::Db(_)) => Err(error.into()),
        other => Ok(Refusal { status: StatusCode::CONFLICT, notice: Some(sentence(&other.to_string())) }),
    }
}

/// A form with fields that did not read.
pub(super) fn unsound() -> Refusal {
    Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, notice: None }
}

/// The message as a sentence: capital first, full stop last.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let mut out: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    out.extend(chars);
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}

/// The decimal in a field: a point before its fraction, commas or blanks only between whole thousands. A comma anywhere else is the
/// point of somebody who writes so: `12,50` without it would be 1,250, and `1.000,00` would be 1.
fn decimal(text: &str) -> Option<Decimal> {
    const DIGITS_OF_A_GROUP: usize = 3;
    let text = text.trim().replace('\u{2212}', "-");
    let (sign, figures) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = figures.split_once('.').unwrap_or((figures, ""));
    let groups: Vec<&str> = whole.split([',', ' ', '\u{a0}', '\u{202f}']).collect();
    let (first, others) = groups.split_first()?;
    let are_thousands = (1..=DIGITS_OF_A_GROUP).contains(&first.len())
        && others.iter().all(|group| group.len() == DIGITS_OF_A_GROUP);
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_read = (others.is_empty() || are_thousands)
        && groups.iter().all(|group| is_digits(group))
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty());
    is_read.then(|| format!("{sign}0{}.{fraction}0", groups.concat()).parse().ok()).flatten()
}

/// The number in a field; notes `message` when it does not read.
pub(super) fn number(form: &mut Form, name: &'static str, message: &str) -> Option<Decimal> {
    let value = decimal(form.value(name));
    if value.is_none() {
        form.fail(name, message);
    }
    value
}

/// The amount in a field.
pub(super) fn amount(form: &mut Form, name: &'static str) -> Option<Micros> {
    // What is finer than a micro would be kept as something else, 0.0000001 as nothing.
    let value = decimal(form.value(name))
        .filter(|value| value.normalize().scale() <= MICROS_SCALE)
        .and_then(|value| Micros::from_decimal(value).ok());
    if value.is_none() {
        form.fail(name, AMOUNT);
    }
    value
}

/// The amount in a field that may be empty.
pub(super) fn amount_optional(form: &mut Form, name: &'static str) -> Option<Micros> {
    if form.value(name).is_empty() { None } else { amount(form, name) }
}

/// A percentage as basis points; none when it does not read or is finer than that.
pub(super) fn basis_points(text: &str) -> Option<Bps> {
    let value = decimal(text.trim_end_matches('%'))?.checked_mul(Decimal::ONE_HUNDRED)?;
    if value.fract().is_zero() { value.to_i64().map(Bps) } else { None }
}

/// The percentage in a field.
pub(super) fn share(form: &mut Form, name: &'static str) -> Option<Bps> {
    let value = basis_points(form.value(name));
    if value.is_none() {
        form.fail(name, SHARE);
    }
    value
}

/// The percentage in a field that may be empty.
pub(super) fn share_optional(form: &mut Form, name: &'static str) -> Option<Bps> {
    if form.value(name).is_empty() { None } else { share(form, name) }
}

/// The day in a field.
pub(super) fn day(form: &mut Form, name: &'static str) -> Option<NaiveDate> {
    form.read(name, DAY)
}

/// The day in a field that may be empty.
pub(super) fn day_optional(form: &mut Form, name: &'static str) -> Option<NaiveDate> {
    form.read_optional(name, DAY)
}

/// An amount as it is typed: no separators, trailing zeros beyond two places dropped.
pub(super) fn amount_text(value: Option<Micros>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A percentage as it is typed.
pub(super) fn share_text(value: Option<Bps>) -> String {
    value.map(|value| (value.fraction() * Decimal::ONE_HUNDRED).normalize().to_string()).unwrap_or_default()
}

/// (value, words) of every value of an enum of codes, for a choice.
macro_rules! options {
    ($kind:ty) => {
        <$kind>::ALL
            .iter()
            .map(|value| (value.code().to_owned(), value.label().to_owned()))
            .collect::<Vec<_>>()
    };
}
pub(super) use options;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_field_shows_is_told_in_whole_sentences() {
        let errors =
            [("words", "say why"), ("first_period", "it began"), ("lines", "OLD is not used any more")];
        let errors = errors.map(|(field, words)| (field.to_owned(), words.to_owned())).to_vec();
        let mut form = Form::default();
        let refused = refuse(&mut form, EditError::Invalid(errors.clone()), &[("words", "words")]).unwrap();
        assert_eq!(refused.notice.as_deref(), Some("It began. OLD is not used any more."));
        assert_eq!(form.error("words"), Some("Say why."));
        let WebError::BadRequest(bare) = WebError::from(EditError::Invalid(errors)) else { panic!() };
        assert_eq!(bare, "Say why. It began. OLD is not used any more.");
    }

    #[test]
    fn amounts_and_shares_read_as_people_write_them() {
        let mut form =
            Form::filled([("a", "1,250.50"), ("b", "2.5 %"), ("c", "2.505"), ("d", "−3"), ("e", "x")]);
        assert_eq!(amount(&mut form, "a"), Some(Micros(1_250_500_000)));
        assert_eq!(share(&mut form, "b"), Some(Bps(250)));
        assert_eq!(share(&mut form, "c"), None);
        assert_eq!(amount(&mut form, "d"), Some(Micros(-3_000_000)));
        assert_eq!(amount_optional(&mut form, "none"), None);
        assert_eq!((amount(&mut form, "e"), form.error("e")), (None, Some(AMOUNT)));
        assert_eq!(share_text(Some(Bps(250))), "2.5");
        let read = |text: &str| decimal(text).map(|value| value.normalize().to_string());
        for (text, value) in [
            ("1250.5", "1250.5"),
            ("1,234,567.25", "1234567.25"),
            ("1 250", "1250"),
            ("-1,250", "-1250"),
            ("12.", "12"),
            (".5", "0.5"),
            ("0.0000001", "0.0000001"),
        ] {
            assert_eq!(read(text).as_deref(), Some(value), "{text}");
        }
        // A comma that is meant as a point is refused, not dropped.
        for text in [
            "12,50", "0,50", "1,0", "1.000,00", "1,2345", "1234,567", ",500", "1e0", "1.5.5", "- 3", "", ".",
            "-",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(sentence("is below the minimum"), "Is below the minimum.");
    }
}
