//! For whoever watches the process: is it alive, can it serve.

use actix_web::{HttpResponse, Resource, web};
use diesel::connection::SimpleConnection;

use super::Web;

/// `/health`: 200 while the database answers.
pub fn live() -> Resource {
    web::resource("/health").route(web::get().to(probe)).route(web::head().to(probe))
}

/// `/ready`: 200 when requests can be served; the same question, since nothing else is needed.
pub fn ready() -> Resource {
    web::resource("/ready").route(web::get().to(probe)).route(web::head().to(probe))
}

async fn probe(web: web::Data<Web>) -> HttpResponse {
    let pool = web.app.pool.clone();
    let answered =
        web::block(move || -> Result<(), crate::db::DbError> { Ok(pool.get()?.batch_execute("SELECT 1")?) })
            .await;
    match answered {
        Ok(Ok(())) => HttpResponse::Ok().content_type("text/plain").body("ok\n"),
        Ok(Err(error)) => {
            tracing::error!(%error, "the database does not answer");
            HttpResponse::ServiceUnavailable()
                .content_type("text/plain")
                .body("the database does not answer\n")
        }
        Err(_) => HttpResponse::ServiceUnavailable().content_type("text/plain").body("too busy\n"),
    }
}
