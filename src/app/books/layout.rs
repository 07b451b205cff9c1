//! The layout of the journal file: kept in versions, shown on a real batch before.

use crate::app::App;
use crate::app::audit::{Entry, audit};
use crate::app::edit::{EditError, allowed};
use crate::db::books::{
    LayoutRow, batch_content_unscoped, batch_newest, books_lock, layout_insert, layout_list, layout_newest,
};
use crate::db::dialect::write_tx;
use crate::db::types::Instant;
use crate::db::{Db, DbError};
use crate::domain::books::batch::Batch;
use crate::domain::books::layout::Layout;
use crate::domain::viewer::{Action, Viewer};

/// Lines of a preview, the titles not counted.
const PREVIEW_LINES: usize = 6;

/// All layouts kept, newest first.
///
/// # Errors
/// [`EditError`].
pub fn layouts(db: &mut Db, viewer: &Viewer) -> Result<Vec<LayoutRow>, EditError> {
    allowed(viewer, Action::ViewLedger)?;
    Ok(layout_list(db)?)
}

fn read(text: &str) -> Result<Layout, EditError> {
    Layout::parse(text).map_err(|error| EditError::field("layout", &error.to_string()))
}

/// The first lines of the newest batch in a layout; none before there is a batch.
///
/// # Errors
/// [`EditError::Invalid`] with the field `layout`.
pub fn layout_preview(db: &mut Db, viewer: &Viewer, text: &str) -> Result<Option<String>, EditError> {
    allowed(viewer, Action::ViewLedger)?;
    let layout = read(text)?;
    let newest = batch_newest(db)?;
    let Some(content) = batch_content_unscoped(db, newest)? else { return Ok(None) };
    let mut batch: Batch = serde_json::from_str(&content).map_err(|error| DbError::Stored {
        what: format!("export batch {newest}"),
        reason: error.to_string(),
    })?;
    batch.lines.truncate(PREVIEW_LINES);
    let file = layout.render(&batch).map_err(|error| EditError::field("layout", &error.to_string()))?;
    Ok(Some(file))
}

/// Keeps a layout as the next version; the newest once more changes nothing.
///
/// # Errors
/// [`EditError::Invalid`] with the field `layout`; nothing was stored then.
pub fn layout_set(app: &App, db: &mut Db, by: &Viewer, text: &str) -> Result<i32, EditError> {
    allowed(by, Action::KeepBooks)?;
    let text = text.replace("\r\n", "\n");
    read(&text)?;
    write_tx(db, |db| {
        books_lock(db)?;
        let newest = layout_newest(db)?;
        if let Some(same) = newest.as_ref().filter(|row| row.layout == text) {
            return Ok(same.version);
        }
        let version = newest.map_or(0, |row| row.version).saturating_add(1);
        let row = LayoutRow {
            version,
            layout: text.clone(),
            set_by_id: by.user_id,
            set_by: by.name.clone(),
            set_at: Instant(app.now()),
        };
        layout_insert(db, &row)?;
        let subject = format!("version {version}");
        audit(
            app,
            db,
            by,
            Entry { action: "books.layout", subject: &subject, partner_id: None, detail: "" },
        )?;
        Ok(version)
    })
}
