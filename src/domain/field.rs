//! What every value filled in on a form shares: field errors, and enums with a stored code and a label.

/// Problems of a form: (field name, what to do about it), in the order the fields are read.
pub type FieldErrors = Vec<(String, String)>;

/// A stored or typed code that is none of the known ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{got}` is not a {what}; use one of {known}")]
pub struct BadCode {
    /// What was looked for, such as `contract status`.
    pub what: &'static str,
    /// The text that was given.
    pub got: String,
    /// The codes that exist, separated by commas.
    pub known: String,
}

/// Adds a problem when `fine` does not hold.
pub fn require(errors: &mut FieldErrors, fine: bool, field: &str, message: &str) {
    if !fine {
        errors.push((field.to_owned(), message.to_owned()));
    }
}

/// Declares an enum with a code (database, files, serde) and a label (pages) for each value, so that
/// the three never drift apart.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident, $what:literal {
        $($(#[$vmeta:meta])* $variant:ident = $code:literal, $label:literal;)+
    }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $code)] $variant,)+ }

        impl $name {
            /// Every value, in reading order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code in the database, in files and in forms.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The words on a page.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::field::BadCode;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|v| v.code() == text).ok_or_else(|| {
                    $crate::domain::field::BadCode {
                        what: $what,
                        got: text.to_owned(),
                        known: [$($code),+].join(", "),
                    }
                })
            }
        }
    };
}
pub(crate) use codes;
