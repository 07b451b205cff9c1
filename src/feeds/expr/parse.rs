//! Text → tree, by precedence climbing. The grammar is a page; a parser library would be longer.

use rust_decimal::Decimal;

use super::{ExprError, MAX_EXPR_BYTES, MAX_EXPR_DEPTH, Op};
use crate::feeds::cell;

/// A node of the tree, with how deep it is.
#[derive(Clone, Debug)]
pub(super) struct Ast {
    pub(super) kind: AstKind,
    depth: usize,
}

#[derive(Clone, Debug)]
pub(super) enum AstKind {
    Blank,
    Text(String),
    Number(Decimal),
    Name(String),
    Column(String),
    Operator(Op, Vec<Ast>),
    Call(String, Vec<Ast>),
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

impl Ast {
    fn leaf(kind: AstKind) -> Self {
        Self { kind, depth: 1 }
    }

    fn over(args: Vec<Self>, kind: impl FnOnce(Vec<Self>) -> AstKind) -> Result<Self, ExprError> {
        let depth = args.iter().map(|arg| arg.depth).max().unwrap_or(0) + 1;
        if depth > MAX_EXPR_DEPTH {
            return Err(ExprError::TooDeep);
        }
        Ok(Self { kind: kind(args), depth })
    }

    pub(super) fn names<'a>(&'a self, found: &mut Vec<&'a str>) {
        match &self.kind {
            AstKind::Name(name) => found.push(name),
            AstKind::Operator(_, args) | AstKind::Call(_, args) => {
                args.iter().for_each(|arg| arg.names(found));
            }
            _ => {}
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Ast, ExprError> {
    if text.len() > MAX_EXPR_BYTES {
        return Err(ExprError::TooLong);
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, end: text.chars().count() + 1 };
    let tree = parser.expression(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(tree),
        Some(_) => Err(parser.expected("an operator or the end")),
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, ExprError> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let place = text.chars().count() - rest.chars().count() + 1;
        let Some(first) = rest.chars().next() else { return Ok(found) };
        let (token, length) = match first {
            '"' | '\'' => quoted(rest, first).ok_or_else(|| wrong(place, "a quote that is never closed"))?,
            '0'..='9' => {
                let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                let number = rest.get(..length).and_then(cell::decimal);
                (Token::Number(number.ok_or_else(|| wrong(place, "a number was expected"))?), length)
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                (Token::Name(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            other => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| wrong(place, &format!("`{other}` has no meaning here")))?;
                (Token::Sign(sign), sign.len())
            }
        };
        found.push((token, place));
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
            return Some((Token::Text(text), at + 1));
        }
    }
    None
}

fn wrong(at: usize, reason: &str) -> ExprError {
    ExprError::Syntax { at, reason: reason.to_owned() }
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
    end: usize,
}

/// Binary operators: sign or word, how tightly they bind, meaning.
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

impl Parser {
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

    fn expected(&self, what: &str) -> ExprError {
        let at = self.tokens.get(self.at).map_or(self.end, |(_, at)| *at);
        wrong(at, &format!("{what} was expected"))
    }

    /// Everything that binds at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> Result<Ast, ExprError> {
        self.depth += 1;
        if self.depth > MAX_EXPR_DEPTH {
            return Err(ExprError::TooDeep);
        }
        let mut left = self.operand()?;
        while let Some((_, binds, op)) = self
            .word()
            .and_then(|word| BINARY.iter().find(|(sign, ..)| *sign == word))
            .filter(|(_, binds, _)| *binds >= least)
        {
            self.at += 1;
            let right = self.expression(binds + 1)?;
            left = Ast::over(vec![left, right], |args| AstKind::Operator(*op, args))?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Ast, ExprError> {
        if self.take("not") {
            let inner = self.expression(NOT_BINDS)?;
            return Ast::over(vec![inner], |args| AstKind::Operator(Op::Not, args));
        }
        if self.take("-") {
            let inner = self.expression(MINUS_BINDS)?;
            return Ast::over(vec![inner], |args| AstKind::Operator(Op::Negate, args));
        }
        if self.take("(") {
            let inner = self.expression(0)?;
            return if self.take(")") { Ok(inner) } else { Err(self.expected("`)`")) };
        }
        let (token, _) = self.tokens.get(self.at).cloned().ok_or_else(|| self.expected("a value"))?;
        let leaf = match token {
            Token::Text(text) => AstKind::Text(text),
            Token::Number(number) => AstKind::Number(number),
            Token::Name(name) if name == "and" || name == "or" => return Err(self.expected("a value")),
            Token::Name(name) => return self.named(name),
            Token::Sign(_) => return Err(self.expected("a value")),
        };
        self.at += 1;
        Ok(Ast::leaf(leaf))
    }

    /// A function call, `col("…")`, `blank`, or a bare name.
    fn named(&mut self, name: String) -> Result<Ast, ExprError> {
        self.at += 1;
        if !self.take("(") {
            return Ok(Ast::leaf(if name == "blank" { AstKind::Blank } else { AstKind::Name(name) }));
        }
        let mut args = Vec::new();
        if !self.take(")") {
            loop {
                args.push(self.expression(0)?);
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return Err(self.expected("`,` or `)`"));
                }
            }
        }
        if name != "col" {
            return Ast::over(args, |args| AstKind::Call(name, args));
        }
        match <[Ast; 1]>::try_from(args) {
            Ok([Ast { kind: AstKind::Text(column), .. }]) => Ok(Ast::leaf(AstKind::Column(column))),
            _ => Err(self.expected("one column name in quotes inside col(…)")),
        }
    }
}
