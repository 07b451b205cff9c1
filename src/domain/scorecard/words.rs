//! Readings in plain words, the same in page, portal and e-mail.

use std::cmp::Ordering;

use rust_decimal::{Decimal, RoundingStrategy};

use super::template::Scale;
use crate::domain::signal::Better;

/// Rounded half away from zero to one place, as scores are published: `73.2`.
#[must_use]
pub fn one_place(value: Decimal) -> String {
    fixed(value, 1)
}

/// Rounded half away from zero to two places: `75.38`.
#[must_use]
pub fn two_places(value: Decimal) -> String {
    fixed(value, 2)
}

/// A threshold without trailing zeros: `95`, `1.1`.
#[must_use]
pub fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}

fn fixed(value: Decimal, places: u32) -> String {
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let width = usize::try_from(places).unwrap_or_default();
    format!("{rounded:.width$}")
}

/// Where a value stands to its target: `Short of 92 by 1.00 point`, `Over 18 by 2.40 h`, `At 95`, `1.20 points better
/// than 95`. `unit` is one unit of difference (`point`, `attempt`, `h`).
///
/// A gap too small for two places is written as such, for a miss by a hair is still a miss (DOMAIN §0.2).
#[must_use]
pub fn target_words(value: Decimal, scale: &Scale, unit: &str) -> String {
    let target = plain(scale.target);
    let gap = (value - scale.target).abs();
    let size = amount(gap, unit);
    match (value.cmp(&scale.target), scale.better()) {
        (Ordering::Equal, _) => format!("At {target}"),
        (Ordering::Less, Better::Higher) => format!("Short of {target} by {size}"),
        (Ordering::Greater, Better::Lower) => format!("Over {target} by {size}"),
        (Ordering::Greater, Better::Higher) | (Ordering::Less, Better::Lower) => {
            format!("{size} better than {target}")
        }
    }
}

/// `1.00 point`, `2.40 points`, `3.00 h`, `less than 0.01 point`.
fn amount(gap: Decimal, unit: &str) -> String {
    let hundredth = Decimal::new(1, 2);
    if gap < hundredth {
        return format!("less than 0.01 {unit}").trim_end().to_owned();
    }
    let text = two_places(gap);
    // Only the words of things that are counted take an s; `h` and `per 100` do not.
    let plural = matches!(unit, "point" | "attempt") && text != "1.00";
    format!("{text} {unit}{}", if plural { "s" } else { "" }).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_by_how_much_in_the_kpi_own_unit() {
        let d = |text: &str| text.parse::<Decimal>().unwrap();
        let up = Scale::linear(d("80"), d("92"), d("96"));
        assert_eq!(target_words(d("91"), &up, "point"), "Short of 92 by 1.00 point");
        assert_eq!(target_words(d("91.9999"), &up, "point"), "Short of 92 by less than 0.01 point");
        assert_eq!(target_words(d("93.2"), &up, "point"), "1.20 points better than 92");
        let down = Scale::linear(d("36"), d("18.0"), d("8"));
        assert_eq!(target_words(d("20.4"), &down, "h"), "Over 18 by 2.40 h");
        assert_eq!(target_words(d("18"), &down, "h"), "At 18");
    }
}
