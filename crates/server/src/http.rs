//! The REST door: the table of routes, and what every request and answer has in common.

pub(crate) mod answer;
pub(crate) mod extract;
pub(crate) mod origin;
pub(crate) mod routes;
pub(crate) mod stream;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::get;
use chinwag_proto::code::{ErrorCode, Problem};

use crate::app::App;
use crate::telemetry;
use answer::Failure;

/// The router of the port that answers `/metrics` and nothing else.
pub(crate) fn metrics_router(app: Arc<App>) -> Router {
    let answer = async |State(app): State<Arc<App>>| telemetry::openmetrics(&app);
    Router::new().route("/metrics", get(answer)).with_state(app)
}

/// The router of everything but the WebSocket.
pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes::ROUTES {
        router = router.route(route.path, (route.handler)());
    }
    router
        .fallback(crate::web::page)
        .method_not_allowed_fallback(async || {
            let problem = Problem::new(ErrorCode::MethodNotAllowed, "this path has other methods");
            Failure(problem).into_response()
        })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), origin::check))
        .layer(axum::middleware::map_response(answer::harden))
        .with_state(app)
}
