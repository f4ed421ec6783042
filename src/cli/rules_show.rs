//! `interdict rules show ID`: all that the rules say of one thing.

use crate::ruleset::{Authority, Indicator, Policy, Product, Prohibition, Ruleset, Vendor};

/// The thing of that id as text; `None` where there is none.
pub(super) fn show(ruleset: &Ruleset, id: &str) -> Option<String> {
    let prohibition =
        || ruleset.policies().iter().flat_map(|policy| &policy.prohibitions).find(|one| one.id == id);
    let lines = ruleset
        .vendor(id)
        .map(|found| vendor(ruleset, found))
        .or_else(|| ruleset.product(id).map(|found| product(ruleset, found)))
        .or_else(|| ruleset.policy(id).map(policy))
        .or_else(|| prohibition().map(prohibited))
        .or_else(|| ruleset.authority(id).map(authority))?;
    Some(lines.join("\n") + "\n")
}

fn line(label: &str, text: impl std::fmt::Display) -> String {
    format!("{label:<12}{text}")
}

fn vendor(ruleset: &Ruleset, vendor: &Vendor) -> Vec<String> {
    let mut lines =
        vec![line("vendor", &vendor.id), line("name", &vendor.name), line("written at", &vendor.at)];
    lines.push(line("aliases", vendor.aliases.join(", ")));
    let products = ruleset.products().iter().filter(|product| product.vendor == vendor.id);
    lines.extend(products.map(|product| line("product", format!("{}  {}", product.id, product.name))));
    lines
}

fn product(ruleset: &Ruleset, product: &Product) -> Vec<String> {
    let mut lines = vec![
        line("product", &product.id),
        line("name", &product.name),
        line("vendor", &product.vendor),
        line("category", product.category.word()),
        line("written at", &product.at),
    ];
    let own = |indicator: &&Indicator| ruleset.product_of(indicator).is_some_and(|of| of.id == product.id);
    for indicator in ruleset.indicators().iter().filter(own) {
        let kinds: Vec<_> = indicator.rule.kinds.iter().map(|kind| kind.word()).collect();
        let text = format!(
            "{:?} {} at {} ({})",
            indicator.strength,
            kinds.join("|"),
            indicator.rule.at,
            indicator.source
        );
        lines.push(line("indicator", text.to_lowercase()));
    }
    lines
}

fn policy(policy: &Policy) -> Vec<String> {
    let mut lines = vec![
        line("policy", &policy.id),
        line("title", &policy.title),
        line("effective", policy.effective),
        line("counts from", policy.min_confidence.word()),
        line("written at", &policy.at),
    ];
    policy.prohibitions.iter().for_each(|prohibition| lines.extend(prohibited(prohibition)));
    lines
}

fn prohibited(prohibition: &Prohibition) -> Vec<String> {
    let products: Vec<_> = prohibition.products.iter().cloned().collect();
    let categories: Vec<_> = prohibition.categories.iter().map(|one| one.word()).collect();
    let except = prohibition.except_categories.iter().map(|one| one.word());
    let except: Vec<_> = except.chain(prohibition.except_products.iter().map(String::as_str)).collect();
    let mut lines = vec![line("prohibition", &prohibition.id), line("severity", prohibition.severity.word())];
    lines.extend(prohibition.vendor.as_ref().map(|vendor| line("vendor", vendor)));
    lines.extend((!products.is_empty()).then(|| line("products", products.join(", "))));
    lines.extend((!categories.is_empty()).then(|| line("categories", categories.join(", "))));
    lines.extend((!except.is_empty()).then(|| line("except", except.join(", "))));
    lines.push(line("authorities", prohibition.authorities.join(", ")));
    lines
}

fn authority(authority: &Authority) -> Vec<String> {
    let mut lines = vec![
        line("authority", &authority.id),
        line("title", &authority.title),
        line("body", &authority.jurisdiction),
        line("citation", &authority.citation),
        line("forbids", &authority.forbids),
        line("binds", &authority.population),
        line("written at", &authority.at),
    ];
    lines.extend(authority.url.as_ref().map(|url| line("url", url)));
    lines.extend(authority.exclusions.iter().map(|exclusion| line("leaves out", exclusion)));
    let milestones = authority.milestones.iter();
    lines.extend(
        milestones.map(|milestone| line("milestone", format!("{}  {}", milestone.date, milestone.text))),
    );
    lines
}
