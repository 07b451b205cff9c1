//! Rate tables to take away as a sheet, written piece by piece.

use std::io::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::{HttpResponse, web};
use tokio::sync::mpsc;

use super::{Side, form_of};
use crate::app::rate_sheet::{
    RateSheetError, RateSheetPlan, SheetChoice, SheetForm, file_name_of, rate_sheet_plan, rate_sheet_write,
};
use crate::report::rates::SheetFormat;
use crate::web::download::{FileKind, download};
use crate::web::edit::sentence;
use crate::web::extract::{Form, SignedIn};
use crate::web::page::WebError;

/// Sheets written at once; each holds a connection of its own.
const SHEETS_AT_ONCE: usize = 4;
/// Bytes handed to the network at once, and how many of such pieces may wait.
const PIECE_BYTES: usize = 64 * 1024;
const PIECES_WAITING: usize = 8;
impl From<RateSheetError> for WebError {
    fn from(error: RateSheetError) -> Self {
        match error {
            RateSheetError::Db(error) => error.into(),
            RateSheetError::Sheet(error) => anyhow::Error::from(error).into(),
            RateSheetError::NotFound(_) | RateSheetError::NoLine { .. } => Self::NotFound,
            RateSheetError::NoRates { .. } => Self::Conflict("This version has no rate tables.".to_owned()),
            RateSheetError::Cannot(why) => Self::Conflict(sentence(&why)),
        }
    }
}

fn choice(asked: &Form) -> (Option<String>, SheetForm) {
    let line = Some(asked.value("line").to_owned()).filter(|line| !line.is_empty());
    (line, if asked.is("form", "matrix") { SheetForm::Matrix } else { SheetForm::Long })
}

/// `GET /contracts/{id}/versions/{n}/rates.csv?line=…&form=matrix`
pub(in crate::web) async fn csv(
    me: SignedIn,
    path: web::Path<(i64, i32)>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    staff_sheet(&me, path.into_inner(), &form_of(query), SheetFormat::Csv).await
}

/// `GET /contracts/{id}/versions/{n}/rates.xlsx?line=…&form=matrix`
pub(in crate::web) async fn xlsx(
    me: SignedIn,
    path: web::Path<(i64, i32)>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    staff_sheet(&me, path.into_inner(), &form_of(query), SheetFormat::Xlsx).await
}

async fn staff_sheet(
    me: &SignedIn,
    (id, version_no): (i64, i32),
    asked: &Form,
    format: SheetFormat,
) -> Result<HttpResponse, WebError> {
    let (line, form) = choice(asked);
    let wanted = line.clone();
    let plan = me
        .in_db(move |unit| {
            let side = Side::of_staff(unit.db, unit.viewer, id, version_no)?;
            let choice = SheetChoice { line: wanted.as_deref(), form, format };
            Ok::<_, WebError>(rate_sheet_plan(unit.db, unit.viewer, side.version_id, choice)?)
        })
        .await?;
    send(me, plan, line.as_deref(), format)
}

/// `GET /portal/contract/rates.csv?number=…&version=…&line=…`
pub(in crate::web) async fn csv_own(
    me: SignedIn,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    own_sheet(&me, form_of(query), SheetFormat::Csv).await
}

/// `GET /portal/contract/rates.xlsx?number=…&version=…&line=…`
pub(in crate::web) async fn xlsx_own(
    me: SignedIn,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    own_sheet(&me, form_of(query), SheetFormat::Xlsx).await
}

async fn own_sheet(me: &SignedIn, asked: Form, format: SheetFormat) -> Result<HttpResponse, WebError> {
    let (line, form) = choice(&asked);
    let wanted = line.clone();
    let plan = me
        .in_db(move |mut unit| {
            let side = Side::of_partner(&mut unit, &asked)?;
            let choice = SheetChoice { line: wanted.as_deref(), form, format };
            Ok::<_, WebError>(rate_sheet_plan(unit.db, unit.viewer, side.version_id, choice)?)
        })
        .await?;
    send(me, plan, line.as_deref(), format)
}

/// Sheets being written now.
static WRITING: AtomicUsize = AtomicUsize::new(0);

/// A place among those that may write; given back when dropped.
struct Turn;

impl Turn {
    fn take() -> Result<Self, WebError> {
        if WRITING.fetch_add(1, Ordering::SeqCst) < SHEETS_AT_ONCE {
            return Ok(Self);
        }
        WRITING.fetch_sub(1, Ordering::SeqCst);
        Err(WebError::Conflict(format!(
            "{SHEETS_AT_ONCE} rate sheets are being written just now. Try again in a minute."
        )))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        WRITING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Writes the sheet piece by piece while the reader takes it, so that none is whole in memory.
fn send(
    me: &SignedIn,
    plan: RateSheetPlan,
    line: Option<&str>,
    format: SheetFormat,
) -> Result<HttpResponse, WebError> {
    let turn = Turn::take()?;
    let name = file_name_of(&plan.of.0, plan.of.1, line, format);
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let (app, viewer) = (me.app.clone(), me.viewer.clone());
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let out = std::io::BufWriter::with_capacity(PIECE_BYTES, Pieces(sender.clone()));
        let written = app
            .pool
            .url()
            .connect()
            .map_err(RateSheetError::from)
            .and_then(|mut db| rate_sheet_write(&mut db, &viewer, plan, out));
        if let Err(error) = written
            && !sender.is_closed()
        {
            tracing::error!(%error, "a rate sheet broke off");
            let _ = sender.blocking_send(Err(std::io::Error::other(error.to_string())));
        }
    });
    let kind = match format {
        SheetFormat::Csv => FileKind::Csv,
        SheetFormat::Xlsx => FileKind::Xlsx,
    };
    Ok(download(&name, kind, Streamed(receiver)))
}

type Piece = Result<web::Bytes, std::io::Error>;

/// The writing end.
struct Pieces(mpsc::Sender<Piece>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let gone = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Ok(web::Bytes::copy_from_slice(bytes))).map_err(|_| gone())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The reading end, as the body of an answer.
struct Streamed(mpsc::Receiver<Piece>);

impl MessageBody for Streamed {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.get_mut().0.poll_recv(context)
    }
}
