//! What stands for a vendor as a whole, explained by a product of the vendor that was found.
//!
//! Called by `assess`. One item is explained by `matching`; here it is a folder by what is in it.

use std::collections::BTreeMap;

use crate::model::{InventoryItem, ItemKind};

use super::assess::{Assessment, Sign};

/// A vendor's folder is no other software of the vendor where it holds something of a product that was found: it
/// then speaks for that product.
pub(super) fn explain_folders(products: &mut BTreeMap<&str, Assessment<'_>>, items: &[InventoryItem]) {
    let others = products.iter().filter(|(_, found)| found.product.is_other()).map(|(id, _)| *id);
    for id in others.collect::<Vec<_>>() {
        let Some(mut other) = products.remove(id) else { continue };
        let known = known(products, &other.product.vendor, items);
        let signs = std::mem::take(&mut other.signs);
        let held: Vec<_> = signs.into_iter().map(|sign| (holder(&known, &sign, items), sign)).collect();
        for (holder, sign) in held {
            let explained = holder.and_then(|product| products.get_mut(product));
            explained.unwrap_or(&mut other).signs.push(sign);
        }
        if !other.signs.is_empty() {
            products.insert(id, other);
        }
    }
}

/// Paths that speak for a named product of the vendor, with the product.
fn known<'a, 'i>(
    products: &BTreeMap<&'a str, Assessment<'_>>,
    vendor: &str,
    items: &'i [InventoryItem],
) -> BTreeMap<&'i str, &'a str> {
    let named =
        products.iter().filter(|(_, found)| found.product.vendor == vendor && !found.product.is_other());
    named
        .flat_map(|(id, found)| found.signs.iter().filter_map(|sign| Some((path(sign, items)?, *id))))
        .collect()
}

fn path<'i>(sign: &Sign<'_>, items: &'i [InventoryItem]) -> Option<&'i str> {
    items.get(sign.item)?.item.path.as_deref()
}

/// The product that has something below a folder. Paths are in order: what is below a folder follows it.
fn holder<'a>(known: &BTreeMap<&str, &'a str>, sign: &Sign<'_>, items: &[InventoryItem]) -> Option<&'a str> {
    if items.get(sign.item)?.item.kind != ItemKind::Trace {
        return None;
    }
    let folder = path(sign, items)?;
    let separator = if folder.contains('\\') { '\\' } else { '/' };
    let below = format!("{}{separator}", folder.trim_end_matches(separator));
    let (first, product) = known.range(below.as_str()..).next()?;
    first.starts_with(&below).then_some(*product)
}
