//! The look and the script of the console: compiled in, under names that change with what is in them.
//!
//! Pages name them; browsers keep them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use crate::emit::PAGE_STYLE;

use super::frame::Wrong;

/// A file.
pub(super) struct Asset {
    /// Its address.
    pub(super) path: String,
    kind: &'static str,
    text: String,
}

impl Asset {
    fn new(end: &'static str, kind: &'static str, text: String) -> Self {
        let hash = Sha256::digest(text.as_bytes());
        let name = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        Self { path: format!("/assets/{name}.{end}"), kind, text }
    }
}

/// The look: that of every page, and what only the console has.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("css", "text/css; charset=utf-8", [PAGE_STYLE, include_str!("console.css")].concat())
});
/// What makes reading easier; without it everything is there too.
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("js", "text/javascript; charset=utf-8", include_str!("console.js").to_owned())
});

/// What stands beside the title in a browser.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("svg", "image/svg+xml", include_str!("icon.svg").to_owned()));

/// `/assets/{name}`.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let path = format!("/assets/{name}");
    let Some(asset) = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.path == path) else {
        return Wrong::new(StatusCode::NOT_FOUND, "There is no such file; load the page anew.").page(None);
    };
    let heads = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (heads, asset.text.as_str()).into_response()
}
