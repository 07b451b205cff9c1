//! The language of computed fields: small, typed, without side effects, loops or recursion.
//!
//! Text is parsed once ([`Parsed::new`]), then checked against the columns and fields at hand
//! ([`Parsed::compile`]); after that no name is looked up and no type can be wrong. What a cell holds
//! can still be wrong (`abc` where a number is needed): that is an error of the row.
//!
//! Blank propagates: `blank + 1` is blank. `concat` takes blanks as empty text, `coalesce` and
//! `is_blank` are there to deal with them. Functions are listed in `docs/mappings.md`.

mod eval;
mod parse;

use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::domain::nearest::suggestion;
use crate::feeds::cell::DateFormats;
use crate::feeds::kind::Field;
pub(super) use eval::{Env, Val, written};
use parse::{Ast, AstKind};

/// Longest expression, in bytes.
pub const MAX_EXPR_BYTES: usize = 4_096;
/// Deepest nesting of an expression.
pub const MAX_EXPR_DEPTH: usize = 48;
/// Longest text an expression may build for one cell, in bytes.
pub const MAX_EXPR_TEXT_BYTES: usize = 64 << 10;

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// It cannot be read.
    #[error("the expression is wrong at character {at}: {reason}")]
    Syntax {
        /// Place, counted from 1.
        at: usize,
        /// What was expected.
        reason: String,
    },
    /// It is longer than [`MAX_EXPR_BYTES`].
    #[error("the expression is longer than MAX_EXPR_BYTES = {MAX_EXPR_BYTES}")]
    TooLong,
    /// It is nested deeper than [`MAX_EXPR_DEPTH`].
    #[error(
        "the expression is nested deeper than MAX_EXPR_DEPTH = {MAX_EXPR_DEPTH}; split it into several fields"
    )]
    TooDeep,
    /// A name that is neither a column nor a mapped field.
    #[error("there is no column or mapped field `{name}`{suggestion}; known are: {known}")]
    UnknownName {
        /// The name.
        name: String,
        /// ` (did you mean …?)` or nothing.
        suggestion: String,
        /// Every name at hand.
        known: String,
    },
    /// A function that does not exist.
    #[error("there is no function `{name}`{suggestion}")]
    UnknownFunction {
        /// The name.
        name: String,
        /// ` (did you mean …?)` or nothing.
        suggestion: String,
    },
    /// Wrong number of arguments.
    #[error("`{name}` takes {wanted}, not {found}")]
    Arguments {
        /// The function.
        name: &'static str,
        /// What it takes, in words.
        wanted: &'static str,
        /// How many were given.
        found: usize,
    },
    /// An argument of the wrong type.
    #[error("`{name}` needs {wanted}, but was given {found}")]
    Type {
        /// The function or operator.
        name: &'static str,
        /// The type it needs.
        wanted: &'static str,
        /// The type it got.
        found: &'static str,
    },
    /// A literal argument that cannot be used (a date format, a zone).
    #[error("`{name}`: `{text}` is not {wanted}")]
    Literal {
        /// The function.
        name: &'static str,
        /// The literal.
        text: String,
        /// What it should be.
        wanted: &'static str,
    },
}

/// Type of a value in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Always blank; fits everywhere.
    Blank,
    /// Text; read as a number, date or instant where one is needed.
    Text,
    /// An exact decimal.
    Number,
    /// Yes or no.
    Bool,
    /// A calendar day.
    Date,
    /// A time of day.
    Time,
    /// A point in time.
    Instant,
}

impl Type {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "yes or no",
            Self::Date => "a date",
            Self::Time => "a time of day",
            Self::Instant => "a date with time",
        }
    }
}

/// Where a name's value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A column of the file.
    Column(usize),
    /// A field of ours, mapped or computed before.
    Field(Field),
}

/// The names an expression may use.
pub trait Scope {
    /// A bare name: a mapped field of ours, else a column.
    fn name(&self, name: &str) -> Option<(Slot, Type)>;
    /// `col("…")`: a column of the file.
    fn column(&self, name: &str) -> Option<usize>;
    /// Every name, for suggestions.
    fn known(&self) -> Vec<&str>;
}

/// A function or operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Or,
    And,
    Not,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    If,
    IsBlank,
    Coalesce,
    Concat,
    Trim,
    Upper,
    Lower,
    Replace,
    Substr,
    Number,
    Date,
    Datetime,
    Hhmm,
    AddMinutes,
    AddDays,
    NotBefore,
    Round,
}

/// Functions: name, meaning, fewest and most arguments, those in words.
const FUNCTIONS: &[(&str, Op, usize, usize, &str)] = &[
    ("if", Op::If, 3, 3, "a condition and two values"),
    ("is_blank", Op::IsBlank, 1, 1, "one value"),
    ("coalesce", Op::Coalesce, 1, 64, "at least one value"),
    ("concat", Op::Concat, 1, 64, "at least one value"),
    ("trim", Op::Trim, 1, 1, "one text"),
    ("upper", Op::Upper, 1, 1, "one text"),
    ("lower", Op::Lower, 1, 1, "one text"),
    ("replace", Op::Replace, 3, 3, "a text, what to find, what to put"),
    ("substr", Op::Substr, 2, 3, "a text, the first character (from 1) and perhaps a length"),
    ("number", Op::Number, 1, 1, "one text"),
    ("date", Op::Date, 1, 16, "a text and perhaps formats"),
    ("datetime", Op::Datetime, 1, 3, "a text; or a date, a time and perhaps a zone"),
    ("hhmm", Op::Hhmm, 1, 1, "one number such as 517"),
    ("add_minutes", Op::AddMinutes, 2, 2, "a date with time and minutes"),
    ("add_days", Op::AddDays, 2, 2, "a date and days"),
    ("not_before", Op::NotBefore, 2, 2, "two dates with time"),
    ("round", Op::Round, 1, 2, "a number and perhaps decimal places"),
];

impl Op {
    /// The name in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Not => "not",
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Add => "+",
            Self::Subtract | Self::Negate => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            _ => FUNCTIONS.iter().find(|(_, op, ..)| *op == self).map_or("?", |(name, ..)| name),
        }
    }
}

/// An expression that reads well but whose names are not looked up yet.
#[derive(Clone, Debug)]
pub struct Parsed(Ast);

/// An expression ready to run.
#[derive(Clone, Debug)]
pub struct Expr {
    root: Node,
    kind: Type,
}

#[derive(Clone, Debug)]
enum Node {
    Blank,
    Text(String),
    Number(Decimal),
    Slot(Slot),
    /// A date by formats of its own.
    DateBy(Box<Node>, DateFormats),
    Zone(Tz),
    Call(Op, Vec<Node>),
}

impl Parsed {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is too long, too deep, or no expression.
    pub fn new(text: &str) -> Result<Self, ExprError> {
        parse::parse(text).map(Self)
    }

    /// The bare names it uses; fields among them must be known before it is compiled and run.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.0.names(&mut found);
        found
    }

    /// Looks up names and checks types.
    ///
    /// # Errors
    /// An unknown name or function, wrong arguments, or a type that does not fit.
    pub fn compile(&self, scope: &dyn Scope) -> Result<Expr, ExprError> {
        let (root, kind) = compile(&self.0, scope)?;
        Ok(Expr { root, kind })
    }
}

impl Expr {
    /// What it gives.
    #[must_use]
    pub fn kind(&self) -> Type {
        self.kind
    }
}

type Typed = (Node, Type);

fn compile(ast: &Ast, scope: &dyn Scope) -> Result<Typed, ExprError> {
    Ok(match &ast.kind {
        AstKind::Blank => (Node::Blank, Type::Blank),
        AstKind::Text(text) => (Node::Text(text.clone()), Type::Text),
        AstKind::Number(number) => (Node::Number(*number), Type::Number),
        AstKind::Name(name) => {
            let (slot, kind) = scope.name(name).ok_or_else(|| unknown(name, scope))?;
            (Node::Slot(slot), kind)
        }
        AstKind::Column(name) => {
            let column = scope.column(name).ok_or_else(|| unknown(name, scope))?;
            (Node::Slot(Slot::Column(column)), Type::Text)
        }
        AstKind::Operator(op, args) => call(*op, args, scope)?,
        AstKind::Call(name, args) => {
            let found = FUNCTIONS.iter().find(|(known, ..)| known == name);
            let (name, op, fewest, most, wanted) = found.ok_or_else(|| ExprError::UnknownFunction {
                name: name.clone(),
                suggestion: suggestion(name, FUNCTIONS.iter().map(|(known, ..)| *known)),
            })?;
            if args.len() < *fewest || args.len() > *most {
                return Err(ExprError::Arguments { name, wanted, found: args.len() });
            }
            call(*op, args, scope)?
        }
    })
}

fn unknown(name: &str, scope: &dyn Scope) -> ExprError {
    let known = scope.known();
    ExprError::UnknownName {
        name: name.to_owned(),
        suggestion: suggestion(name, known.iter().copied()),
        known: known.join(", "),
    }
}

fn call(op: Op, args: &[Ast], scope: &dyn Scope) -> Result<Typed, ExprError> {
    if op == Op::Date && args.len() > 1 {
        return date_by(args, scope);
    }
    let args = args.iter().map(|arg| compile(arg, scope)).collect::<Result<Vec<_>, _>>()?;
    let all = |wanted: Type, args: Vec<Typed>| {
        args.into_iter().map(|arg| coerce(op, arg, wanted)).collect::<Result<Vec<_>, _>>()
    };
    let (args, kind) = match op {
        Op::Or | Op::And | Op::Not => (all(Type::Bool, args)?, Type::Bool),
        Op::Equal | Op::Unequal | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
            (unify(op, args)?.0, Type::Bool)
        }
        Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Negate | Op::Round | Op::Number => {
            (all(Type::Number, args)?, Type::Number)
        }
        Op::If => {
            let mut args = args.into_iter();
            let condition = args.next().map(|arg| coerce(op, arg, Type::Bool)).transpose()?;
            let (rest, kind) = unify(op, args.collect())?;
            (condition.into_iter().chain(rest).collect(), kind)
        }
        Op::IsBlank => (args.into_iter().map(|(node, _)| node).collect(), Type::Bool),
        Op::Coalesce => unify(op, args)?,
        Op::Concat | Op::Trim | Op::Upper | Op::Lower | Op::Replace => (all(Type::Text, args)?, Type::Text),
        Op::Substr => (each(op, args, &[Type::Text, Type::Number, Type::Number])?, Type::Text),
        Op::Date => (all(Type::Date, args)?, Type::Date),
        Op::Datetime if args.len() == 1 => (all(Type::Instant, args)?, Type::Instant),
        Op::Datetime => (each(op, args, &[Type::Date, Type::Time, Type::Text])?, Type::Instant),
        Op::Hhmm => (all(Type::Text, args)?, Type::Time),
        Op::AddMinutes => (each(op, args, &[Type::Instant, Type::Number])?, Type::Instant),
        Op::AddDays => {
            let kind = match args.first() {
                Some((_, Type::Instant)) => Type::Instant,
                _ => Type::Date,
            };
            (each(op, args, &[kind, Type::Number])?, kind)
        }
        Op::NotBefore => (all(Type::Instant, args)?, Type::Instant),
    };
    Ok((finish(op, args)?, kind))
}

/// A conversion of one value into its own type is the value; a literal zone is looked up now.
fn finish(op: Op, mut args: Vec<Node>) -> Result<Node, ExprError> {
    if matches!(op, Op::Number | Op::Date) || (op == Op::Datetime && args.len() == 1) {
        return Ok(args.pop().unwrap_or(Node::Blank));
    }
    if op == Op::Datetime
        && let Some(zone) = args.get_mut(2)
        && let Node::Text(name) = zone
    {
        let known = name.parse().map_err(|_| ExprError::Literal {
            name: op.name(),
            text: name.clone(),
            wanted: "an IANA zone such as America/Chicago",
        })?;
        *zone = Node::Zone(known);
    }
    Ok(Node::Call(op, args))
}

/// `date(x, "format", …)`: the formats are literals and are split now.
fn date_by(args: &[Ast], scope: &dyn Scope) -> Result<Typed, ExprError> {
    let (first, formats) = args.split_first().ok_or(ExprError::TooDeep)?;
    let formats = formats.iter().map(|format| match &format.kind {
        AstKind::Text(text) => Ok(text.clone()),
        _ => Err(ExprError::Type { name: "date", wanted: "formats in quotes", found: "something computed" }),
    });
    let formats = formats.collect::<Result<Vec<_>, _>>()?;
    let bad = |text| ExprError::Literal { name: "date", text, wanted: "a date format such as %d-%b-%y" };
    let formats = DateFormats::new(&formats).map_err(bad)?;
    let text = coerce(Op::Date, compile(first, scope)?, Type::Text)?;
    Ok((Node::DateBy(Box::new(text), formats), Type::Date))
}

/// Arguments of given types in order; those beyond what was given are optional.
fn each(op: Op, args: Vec<Typed>, wanted: &[Type]) -> Result<Vec<Node>, ExprError> {
    args.into_iter().zip(wanted).map(|(arg, wanted)| coerce(op, arg, *wanted)).collect()
}

/// Text is read as what is needed; everything can be told as text; nothing else changes its type.
fn coerce(op: Op, (node, found): Typed, wanted: Type) -> Result<Node, ExprError> {
    let convert = |by: Op| Node::Call(by, vec![node.clone()]);
    Ok(match (found, wanted) {
        (Type::Blank, _) => node,
        (a, b) if a == b => node,
        (Type::Text, Type::Number) => convert(Op::Number),
        (Type::Text | Type::Instant, Type::Date) => convert(Op::Date),
        (Type::Text, Type::Time) => convert(Op::Hhmm),
        (Type::Text, Type::Instant) => convert(Op::Datetime),
        // Functions of text take any value in its written form.
        (_, Type::Text) => node,
        _ => return Err(ExprError::Type { name: op.name(), wanted: wanted.words(), found: found.words() }),
    })
}

/// Values that must be of one type: text gives way to the other type.
fn unify(op: Op, args: Vec<Typed>) -> Result<(Vec<Node>, Type), ExprError> {
    let not = |avoid: &[Type]| args.iter().map(|(_, kind)| *kind).find(|kind| !avoid.contains(kind));
    let kind = not(&[Type::Blank, Type::Text]).or_else(|| not(&[Type::Blank])).unwrap_or(Type::Blank);
    let nodes = args.into_iter().map(|arg| coerce(op, arg, kind)).collect::<Result<_, _>>()?;
    Ok((nodes, kind))
}

#[cfg(test)]
mod tests;
