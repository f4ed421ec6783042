//! For how many days reports, verdicts and closed findings are kept: what was set in the console holds for the whole fleet, and
//! before the configuration of any of its collectors.
//!
//! Asked by `upkeep`, before it forgets what is old; shown and set by `console`.

use super::store::{By, Kept, Store};

/// Under which it is noted; an empty text: as the configuration says.
const KEEP_DAYS: &str = "keep-days";
/// Days that can be set: a hundred years.
pub(super) const MOST: u32 = 36_525;

/// The days that were set; none: nobody has set any.
pub(super) async fn set_days(store: &dyn Store) -> Kept<Option<u32>> {
    let Some(noted) = store.marked(KEEP_DAYS).await? else { return Ok(None) };
    Ok(std::str::from_utf8(&noted).ok().and_then(|text| text.parse().ok()).filter(|days| may_be(*days)))
}

/// Whether so many can be set: with none nothing would ever be kept.
pub(super) fn may_be(days: u32) -> bool {
    (1..=MOST).contains(&days)
}

/// Sets them; none: as the configuration says.
pub(super) async fn set(store: &dyn Store, days: Option<u32>, by: &By) -> Kept<()> {
    let text = days.map(|days| days.to_string()).unwrap_or_default();
    store.mark(KEEP_DAYS, text.as_bytes(), true).await?;
    let told = days.map_or_else(|| "as configured".to_owned(), |days| format!("{days} days"));
    store.audit_note(by, ["set retention", "fleet", &told]).await
}

#[cfg(test)]
mod tests {
    use crate::collector::store::AuditAsk;
    use crate::collector::store::sqlite::Sqlite;
    use crate::model::Stamp;

    use super::*;

    #[tokio::test]
    async fn what_was_set_holds_until_it_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("fleet.sqlite")).await.unwrap();
        let by = By { actor: "ann".to_owned(), at: Stamp::epoch() };
        assert_eq!(set_days(&store).await.unwrap(), None);
        set(&store, Some(40), &by).await.unwrap();
        assert_eq!(set_days(&store).await.unwrap(), Some(40));
        set(&store, None, &by).await.unwrap();
        assert_eq!(set_days(&store).await.unwrap(), None);
        let notes = store.audit(&AuditAsk { limit: 10, ..AuditAsk::default() }).await.unwrap().rows;
        assert_eq!(notes.len(), 2, "{notes:?}");
        // With what cannot be the configuration holds: nothing is forgotten for it.
        for text in ["0", "-1", "36526", "soon", "\u{0}"] {
            store.mark(KEEP_DAYS, text.as_bytes(), true).await.unwrap();
            assert_eq!(set_days(&store).await.unwrap(), None, "{text}");
        }
    }
}
