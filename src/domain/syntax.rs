//! Reading an expression: text → tokens → tree, by precedence climbing. The grammar is a page; a parser library would be
//! longer.
//!
//! Mappings (`feeds::expr`) and formulas ([`super::formula`]) read alike and differ in a [`Grammar`] only. What a name
//! means, which functions there are and what fits together is for whoever reads the tree.

use std::fmt;

use rust_decimal::Decimal;

/// What one language allows.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// Longest text, in bytes.
    pub max_bytes: usize,
    /// Deepest nesting.
    pub max_depth: usize,
    /// Names may hold points: `delivery_window.success`.
    pub dotted_names: bool,
    /// A word or `%` after a number is its unit: `15 minutes`.
    pub units: bool,
    /// Text in quotes is a value.
    pub texts: bool,
}

/// A stretch of the text: first character, counted from 1, and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// First character, from 1.
    pub at: usize,
    /// Characters.
    pub len: usize,
}

impl Place {
    /// From the beginning of the one to the end of the other.
    fn to(self, last: Self) -> Self {
        Self { at: self.at, len: last.end().saturating_sub(self.at) }
    }

    fn end(self) -> usize {
        self.at.saturating_add(self.len)
    }
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// Something else was expected.
    #[error("at character {}: {reason}", place.at)]
    Wrong {
        /// Where.
        place: Place,
        /// What was expected.
        reason: String,
    },
    /// Longer than [`Grammar::max_bytes`].
    #[error("too long")]
    TooLong,
    /// Deeper than [`Grammar::max_depth`].
    #[error("nested too deep")]
    TooDeep,
}

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `or`
    Or,
    /// `and`
    And,
    /// `not`
    Not,
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Add,
    /// `-` between two
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `-` before one
    Negate,
}

/// A part of an expression and where it stands. Two trees are equal when they say the same, wherever it stands.
#[derive(Clone, Debug)]
pub struct Tree {
    /// What it is.
    pub kind: TreeKind,
    /// Where it stands.
    pub place: Place,
    depth: usize,
}

/// What a part of an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeKind {
    /// A text in quotes.
    Text(String),
    /// A number and the unit written after it.
    Number(Decimal, Option<String>),
    /// A bare name.
    Name(String),
    /// An operator and what it works on.
    Operator(Op, Vec<Tree>),
    /// A function and its arguments.
    Call(String, Vec<Tree>),
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Number(Decimal),
    Name(String),
    Sign(&'static str),
}

/// Signs, the longer before their beginnings.
const SIGNS: &[&str] = &["==", "!=", "<>", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "(", ")", ","];
/// The unit that is a sign.
const PERCENT: &str = "%";

/// Binary operators: sign or word, how tightly they bind, meaning. The first of a meaning is how it is printed.
const BINARY: &[(&str, u8, Op)] = &[
    ("or", 1, Op::Or),
    ("and", 2, Op::And),
    ("=", 4, Op::Equal),
    ("==", 4, Op::Equal),
    ("!=", 4, Op::Unequal),
    ("<>", 4, Op::Unequal),
    ("<", 4, Op::Less),
    ("<=", 4, Op::LessEqual),
    (">", 4, Op::Greater),
    (">=", 4, Op::GreaterEqual),
    ("+", 5, Op::Add),
    ("-", 5, Op::Subtract),
    ("*", 6, Op::Multiply),
    ("/", 6, Op::Divide),
];
/// `not` binds looser than comparisons, the minus tighter than products.
const NOT_BINDS: u8 = 3;
const MINUS_BINDS: u8 = 7;
/// Names, numbers and calls hold together whatever stands beside them.
const LEAF_BINDS: u8 = 8;

impl Op {
    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Not => "not",
            Self::Negate => "-",
            _ => BINARY.iter().find(|(_, _, op)| *op == self).map_or("?", |(sign, ..)| sign),
        }
    }

    fn binds(self) -> u8 {
        match self {
            Self::Not => NOT_BINDS,
            Self::Negate => MINUS_BINDS,
            _ => BINARY.iter().find(|(_, _, op)| *op == self).map_or(LEAF_BINDS, |(_, binds, _)| *binds),
        }
    }
}

impl Tree {
    fn leaf(kind: TreeKind, place: Place) -> Self {
        Self { kind, place, depth: 1 }
    }

    /// The parts it is made of.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match &self.kind {
            TreeKind::Operator(_, parts) | TreeKind::Call(_, parts) => parts,
            TreeKind::Text(_) | TreeKind::Number(..) | TreeKind::Name(_) => &[],
        }
    }

    /// How many parts there are in all, itself included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.parts().iter().map(Self::size).fold(1, usize::saturating_add)
    }

    fn binds(&self) -> u8 {
        match &self.kind {
            TreeKind::Operator(op, _) => op.binds(),
            _ => LEAF_BINDS,
        }
    }

    /// Writes the tree, in parentheses when it holds together less than `least`.
    fn write(&self, f: &mut fmt::Formatter<'_>, least: u8) -> fmt::Result {
        if self.binds() < least {
            return write!(f, "({self})");
        }
        write!(f, "{self}")
    }
}

/// The expression as text with no more parentheses than it needs: it reads back as the same tree.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TreeKind::Text(text) => write!(f, "\"{}\"", text.replace('"', "\"\"")),
            TreeKind::Number(number, None) => write!(f, "{number}"),
            TreeKind::Number(number, Some(unit)) => write!(f, "{number} {unit}"),
            TreeKind::Name(name) => f.write_str(name),
            TreeKind::Call(name, parts) => {
                write!(f, "{name}(")?;
                for (place, part) in parts.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    part.write(f, 0)?;
                }
                f.write_str(")")
            }
            TreeKind::Operator(op, parts) => match parts.as_slice() {
                [only] => {
                    f.write_str(op.sign())?;
                    if *op == Op::Not {
                        f.write_str(" ")?;
                    }
                    only.write(f, op.binds())
                }
                [left, right] => {
                    left.write(f, op.binds())?;
                    write!(f, " {} ", op.sign())?;
                    right.write(f, op.binds().saturating_add(1))
                }
                _ => Ok(()),
            },
        }
    }
}

/// Reads an expression. Never panics, whatever the text is; what it costs is bounded by the grammar.
///
/// # Errors
/// [`SyntaxError`], with the place.
pub fn read(text: &str, grammar: &Grammar) -> Result<Tree, SyntaxError> {
    if text.len() > grammar.max_bytes {
        return Err(SyntaxError::TooLong);
    }
    let end = text.chars().count().saturating_add(1);
    let mut parser = Parser { tokens: tokens(text, grammar)?, at: 0, depth: 0, end, grammar };
    let tree = parser.expression(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(tree),
        Some(_) => Err(parser.expected("an operator or the end")),
    }
}

fn tokens(text: &str, grammar: &Grammar) -> Result<Vec<(Token, Place)>, SyntaxError> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut at = 1_usize;
    loop {
        let trimmed = rest.trim_start();
        at = at.saturating_add(rest.chars().count().saturating_sub(trimmed.chars().count()));
        rest = trimmed;
        let Some(first) = rest.chars().next() else { return Ok(found) };
        let one = Place { at, len: 1 };
        let in_name = |c: char| c.is_alphanumeric() || c == '_' || (grammar.dotted_names && c == '.');
        let until = |end: &dyn Fn(char) -> bool| rest.find(end).unwrap_or(rest.len());
        let (token, length) = match first {
            '"' | '\'' if grammar.texts => {
                quoted(rest, first).ok_or_else(|| wrong(one, "a quote that is never closed"))?
            }
            '0'..='9' => {
                let length = until(&|c: char| !c.is_ascii_digit() && c != '.');
                let digits = rest.get(..length).unwrap_or_default();
                let number = Decimal::from_str_exact(digits.strip_suffix('.').unwrap_or(digits)).ok();
                let place = Place { at, len: length };
                (Token::Number(number.ok_or_else(|| wrong(place, "a number was expected"))?), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = until(&|c: char| !in_name(c));
                (Token::Name(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            '%' if grammar.units => (Token::Sign(PERCENT), PERCENT.len()),
            other => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| wrong(one, &format!("`{other}` has no meaning here")))?;
                (Token::Sign(sign), sign.len())
            }
        };
        let len = rest.get(..length).unwrap_or_default().chars().count();
        found.push((token, Place { at, len }));
        at = at.saturating_add(len);
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// Text in quotes; the quote itself is written twice. Gives the bytes used.
fn quoted(rest: &str, quote: char) -> Option<(Token, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Some((Token::Text(text), at.saturating_add(1)));
        }
    }
    None
}

fn wrong(place: Place, reason: &str) -> SyntaxError {
    SyntaxError::Wrong { place, reason: reason.to_owned() }
}

struct Parser<'a> {
    tokens: Vec<(Token, Place)>,
    at: usize,
    depth: usize,
    end: usize,
    grammar: &'a Grammar,
}

impl Parser<'_> {
    fn word(&self) -> Option<&str> {
        match self.tokens.get(self.at)? {
            (Token::Name(word), _) => Some(word),
            (Token::Sign(sign), _) => Some(sign),
            _ => None,
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.word() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Where the next token stands.
    fn here(&self) -> Place {
        self.tokens.get(self.at).map_or(Place { at: self.end, len: 1 }, |(_, place)| *place)
    }

    /// Where the last token stood.
    fn last(&self) -> Place {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or_else(Place::default, |(_, p)| *p)
    }

    fn expected(&self, what: &str) -> SyntaxError {
        wrong(self.here(), &format!("{what} was expected"))
    }

    fn over(
        &self,
        first: Place,
        parts: Vec<Tree>,
        kind: impl FnOnce(Vec<Tree>) -> TreeKind,
    ) -> Result<Tree, SyntaxError> {
        let depth = parts.iter().map(|part| part.depth).max().unwrap_or(0).saturating_add(1);
        if depth > self.grammar.max_depth {
            return Err(SyntaxError::TooDeep);
        }
        Ok(Tree { kind: kind(parts), place: first.to(self.last()), depth })
    }

    /// Everything that binds at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> Result<Tree, SyntaxError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > self.grammar.max_depth {
            return Err(SyntaxError::TooDeep);
        }
        let first = self.here();
        let mut left = self.operand()?;
        while let Some((_, binds, op)) = self
            .word()
            .and_then(|word| BINARY.iter().find(|(sign, ..)| *sign == word))
            .filter(|(_, binds, _)| *binds >= least)
        {
            self.at += 1;
            let right = self.expression(binds.saturating_add(1))?;
            left = self.over(first, vec![left, right], |parts| TreeKind::Operator(*op, parts))?;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(left)
    }

    fn operand(&mut self) -> Result<Tree, SyntaxError> {
        let first = self.here();
        if self.take("not") {
            let inner = self.expression(NOT_BINDS)?;
            return self.over(first, vec![inner], |parts| TreeKind::Operator(Op::Not, parts));
        }
        if self.take("-") {
            let inner = self.expression(MINUS_BINDS)?;
            return self.over(first, vec![inner], |parts| TreeKind::Operator(Op::Negate, parts));
        }
        if self.take("(") {
            let inner = self.expression(0)?;
            return if self.take(")") { Ok(inner) } else { Err(self.expected("`)`")) };
        }
        let (token, place) = self.tokens.get(self.at).cloned().ok_or_else(|| self.expected("a value"))?;
        let kind = match token {
            Token::Text(text) => TreeKind::Text(text),
            Token::Number(number) => return Ok(self.number(number, place)),
            Token::Name(name) if name == "and" || name == "or" => return Err(self.expected("a value")),
            Token::Name(name) => return self.named(name, place),
            Token::Sign(_) => return Err(self.expected("a value")),
        };
        self.at += 1;
        Ok(Tree::leaf(kind, place))
    }

    /// A number with the unit that follows it, where the language has units.
    fn number(&mut self, number: Decimal, place: Place) -> Tree {
        self.at += 1;
        let unit = match self.tokens.get(self.at) {
            Some((Token::Name(word), _)) if self.grammar.units && !matches!(&**word, "and" | "or") => {
                Some(word.clone())
            }
            Some((Token::Sign(PERCENT), _)) => Some(PERCENT.to_owned()),
            _ => None,
        };
        self.at += usize::from(unit.is_some());
        Tree::leaf(TreeKind::Number(number, unit), place.to(self.last()))
    }

    /// A function call or a bare name.
    fn named(&mut self, name: String, place: Place) -> Result<Tree, SyntaxError> {
        self.at += 1;
        if !self.take("(") {
            return Ok(Tree::leaf(TreeKind::Name(name), place));
        }
        let mut parts = Vec::new();
        if !self.take(")") {
            loop {
                parts.push(self.expression(0)?);
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return Err(self.expected("`,` or `)`"));
                }
            }
        }
        self.over(place, parts, |parts| TreeKind::Call(name, parts))
    }
}
