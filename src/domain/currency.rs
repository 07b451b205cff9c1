//! ISO 4217 currency codes. Amounts of two currencies are never added (DOMAIN §0.1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A currency of ISO 4217 by its code, such as `USD`. A code that another replaced reads as long as the list has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// The text is no currency code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no currency of ISO 4217; write its three capital letters, such as USD or EUR")]
pub struct BadCurrency(pub String);

impl Currency {
    /// US dollar.
    pub const USD: Self = Self(*b"USD");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        // Only ASCII letters get in, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Decimal places of the minor unit: 2 for most, 0 for yen, 3 for dinar.
    #[must_use]
    pub fn minor_digits(&self) -> u32 {
        minor_digits(self.code()).unwrap_or(DEFAULT_MINOR_DIGITS)
    }
}

/// Never needed: only codes with minor units are read.
const DEFAULT_MINOR_DIGITS: u32 = 2;

/// Decimal places of a code of ISO 4217; none for what is no money anybody pays in: metals, units of account, the
/// codes for tests and for no currency.
fn minor_digits(code: &str) -> Option<u32> {
    iso_currency::Currency::from_code(code)?.exponent().map(u32::from)
}

impl FromStr for Currency {
    type Err = BadCurrency;

    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if minor_digits(text).is_some() => Ok(Self(code)),
            _ => Err(BadCurrency(text.to_owned())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_minor_units_and_refuses_other_text() {
        assert_eq!(Currency::USD.minor_digits(), 2);
        assert_eq!("JPY".parse::<Currency>().unwrap().minor_digits(), 0);
        assert_eq!("KWD".parse::<Currency>().unwrap().minor_digits(), 3);
        for text in ["usd", "US", "USDX", "$$$", "", "ABC", "XTS", "XAU"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
        let refused = "UDS".parse::<Currency>().unwrap_err().to_string();
        assert_eq!(
            refused,
            "`UDS` is no currency of ISO 4217; write its three capital letters, such as USD or EUR"
        );
        assert!("HRK".parse::<Currency>().is_ok(), "the kuna until the euro came");
    }
}
