//! Own KPIs by formula: a small typed language over the measures (DOMAIN §1.3–1.5), checked when it is saved.
//!
//! Text → tree ([`super::syntax`]) → typed tree ([`check()`]) → value with its steps ([`Plan::answer`]). Names are the
//! additive measures of [`names`], and other KPIs by code, own or of the catalogue, which stand for their published net
//! value. There are `+ - * /`, parentheses, numbers with a unit, comparisons with `and`, `or` and `not`, and the functions
//! `min`, `max`, `if` and `percentile`. Nothing loops, nothing recurses, and every bound is a constant below. Sums and
//! comparisons need one unit on both sides; products and quotients make new ones; what comes out must be what the KPI is
//! declared in. Division by zero gives no data and names the step; what is too large is an error that does so too.

mod check;
mod name;
mod own;
mod unit;
mod value;

pub use check::{Formula, FormulaError, Problem, check, read};
pub use name::{Name, Read, Role, names};
pub use own::{
    CODE_CHARS_MAX, Library, NAME_CHARS_MAX, OWN_KPIS_MAX, OwnKpi, Plan, RULES_CHARS_MAX, VERSIONS_MAX,
    better_from_code, better_words, volume_code, volume_from_code, volume_words,
};
pub use unit::{MAX_POWER, OwnUnit, Unit, WRITTEN, Written};
pub use value::{Answer, Fault, FaultKind, OwnValue, Step, figure_words};

/// Longest formula, in bytes.
pub const MAX_FORMULA_BYTES: usize = 2_000;
/// Deepest nesting of a formula.
pub const MAX_FORMULA_DEPTH: usize = 32;
/// Most parts of a formula: names, numbers, operators and calls.
pub const MAX_FORMULA_PARTS: usize = 200;
/// Most different names in a formula.
pub const MAX_FORMULA_NAMES: usize = 40;
/// Most levels of own KPIs that use own KPIs.
pub const MAX_KPI_LEVELS: usize = 6;

/// The functions: how each is written and what it gives, for whoever writes a formula.
pub const FUNCTIONS: [(&str, &str); 4] = [
    ("min(a, b)", "the smaller of two or more figures of one unit"),
    ("max(a, b)", "the larger of them"),
    ("if(a >= b, x, y)", "x where the comparison holds, else y; and, or and not join comparisons"),
    ("percentile(dwell, 90)", "the time within which so many of a hundred are"),
];

#[cfg(test)]
mod tests;
