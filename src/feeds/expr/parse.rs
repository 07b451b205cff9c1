//! Text → tree: the shared reading of expressions, with what is particular to mappings.

use rust_decimal::Decimal;

use super::{ExprError, MAX_EXPR_BYTES, MAX_EXPR_DEPTH, Op};
use crate::domain::syntax::{self, Grammar, SyntaxError, Tree, TreeKind};

/// Texts, no units, and names as feeds write columns.
const GRAMMAR: Grammar = Grammar {
    max_bytes: MAX_EXPR_BYTES,
    max_depth: MAX_EXPR_DEPTH,
    dotted_names: false,
    units: false,
    texts: true,
};

/// A node of the tree.
#[derive(Clone, Debug)]
pub(super) struct Ast {
    pub(super) kind: AstKind,
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

impl Ast {
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
    let tree = syntax::read(text, &GRAMMAR).map_err(|error| match error {
        SyntaxError::Wrong { place, reason } => ExprError::Syntax { at: place.at, reason },
        SyntaxError::TooLong => ExprError::TooLong,
        SyntaxError::TooDeep => ExprError::TooDeep,
    })?;
    ast(tree)
}

/// `blank` and `col("…")` are words of mappings.
fn ast(tree: Tree) -> Result<Ast, ExprError> {
    let all = |parts: Vec<Tree>| parts.into_iter().map(ast).collect::<Result<Vec<_>, _>>();
    let kind = match tree.kind {
        TreeKind::Text(text) => AstKind::Text(text),
        TreeKind::Number(number, _) => AstKind::Number(number),
        TreeKind::Name(name) if name == "blank" => AstKind::Blank,
        TreeKind::Name(name) => AstKind::Name(name),
        TreeKind::Operator(op, parts) => AstKind::Operator(op.into(), all(parts)?),
        TreeKind::Call(name, parts) if name == "col" => match <[Tree; 1]>::try_from(parts) {
            Ok([Tree { kind: TreeKind::Text(column), .. }]) => AstKind::Column(column),
            _ => {
                return Err(ExprError::Syntax {
                    at: tree.place.at,
                    reason: "one column name in quotes inside col(…) was expected".to_owned(),
                });
            }
        },
        TreeKind::Call(name, parts) => AstKind::Call(name, all(parts)?),
    };
    Ok(Ast { kind })
}

impl From<syntax::Op> for Op {
    fn from(op: syntax::Op) -> Self {
        match op {
            syntax::Op::Or => Self::Or,
            syntax::Op::And => Self::And,
            syntax::Op::Not => Self::Not,
            syntax::Op::Equal => Self::Equal,
            syntax::Op::Unequal => Self::Unequal,
            syntax::Op::Less => Self::Less,
            syntax::Op::LessEqual => Self::LessEqual,
            syntax::Op::Greater => Self::Greater,
            syntax::Op::GreaterEqual => Self::GreaterEqual,
            syntax::Op::Add => Self::Add,
            syntax::Op::Subtract => Self::Subtract,
            syntax::Op::Multiply => Self::Multiply,
            syntax::Op::Divide => Self::Divide,
            syntax::Op::Negate => Self::Negate,
        }
    }
}
