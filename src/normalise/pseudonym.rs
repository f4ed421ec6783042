//! Users' names out of a report: each becomes `user-…`, the same on every computer that has the site's key.
//!
//! Called by `cli` for `--users pseudonym`, before a report is written or sent. Pure. Names, homes and security identifiers of
//! people go wherever they stand; accounts of the system and of services stay, for they name software. What makes an item the
//! item it is stays too, but for homes and identifiers: who could name a user like a product would hide it otherwise.

use std::collections::BTreeMap;
use std::mem::take;

use ct_codecs::{Encoder as _, Hex};
use ring::hmac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{HostFacts, HostPath, InventoryItem, ItemId, Order, Report, of_json, to_json};

use super::identity::item_id;

/// Separates these pseudonyms from every other use of the key, and names the version of how they are made.
const DOMAIN: &[u8] = b"interdict.user/1\0";

/// Accounts that nobody is.
const NOBODY: &[&str] = &[
    "root",
    "system",
    "localsystem",
    "local service",
    "localservice",
    "network service",
    "networkservice",
    "public",
    "default",
    "default user",
    "defaultuser0",
    "all users",
    "nobody",
];

/// Where homes are that are no person's: services have an account too, and a place of their own.
const SYSTEM_FOLDERS: &[&str] = &[
    "bin",
    "boot",
    "dev",
    "etc",
    "lib",
    "lib64",
    "nonexistent",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "snap",
    "sys",
    "usr",
    "var",
    "private",
    "System",
    "Library",
    "Applications",
];

/// Folders in which a part of a path bears the name of a user.
const BY_USER: &[&str] = &[
    "home",
    "homes",
    "users",
    "documents and settings",
    "crontabs",
    "cron",
    "tabs",
    "mail",
    "sudoers.d",
    "media",
    "managed preferences",
    "doas.d",
    "linger",
];

/// Security identifiers of accounts of a domain or a computer, of a directory in the cloud.
const OF_ACCOUNTS: &[&str] = &["s-1-5-21-", "s-1-12-1-"];

/// Keys of the report whose texts are sentences or records, in which a name can stand as a word.
const TALK: &[&str] = &["record", "detail", "reason", "unread", "text", "advice"];

/// Turns names into pseudonyms.
pub struct Pseudonyms {
    key: hmac::Key,
    people: Vec<Person>,
}

struct Person {
    /// In small letters.
    name: String,
    sid: Option<String>,
    /// As reports write it.
    home: Option<String>,
    pseudonym: String,
}

impl Pseudonyms {
    /// For the users of a host, by the site's key.
    pub fn new(key: &[u8], facts: &HostFacts) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let people = facts.users.iter().filter(|user| is_person(&user.name, &user.home)).map(|user| Person {
            name: user.name.to_lowercase(),
            sid: user.sid.as_ref().map(|sid| sid.to_lowercase()),
            home: (user.home.parts().count() > 0).then(|| user.home.text().into_owned()),
            pseudonym: pseudonym(&key, &user.name),
        });
        let mut people: Vec<Person> = people.collect();
        // `/home/ann/work` before `/home/ann`.
        people.order_by_key(|person| std::cmp::Reverse(person.home.as_ref().map_or(0, String::len)));
        Self { key, people }
    }

    /// A report without names. Its items have other ids where a name was part of them.
    pub fn report(&self, mut report: Report) -> serde_json::Result<Report> {
        let items = report.inventory.take();
        for user in &mut report.host.users {
            if is_person(&user.name, &user.home) {
                user.name = pseudonym(&self.key, &user.name);
            }
        }
        let mut renamed = BTreeMap::new();
        report.inventory = items.map(|items| self.items(items, &mut renamed)).transpose()?;
        let items = report.inventory.take();
        let mut report: Report = self.rewrite(&report)?;
        for evidence in report.findings.iter_mut().flat_map(|finding| &mut finding.evidence) {
            evidence.item = renamed.get(&evidence.item).copied().unwrap_or(evidence.item);
        }
        report.inventory = items;
        Ok(report)
    }

    fn items(
        &self,
        items: Vec<InventoryItem>,
        renamed: &mut BTreeMap<ItemId, ItemId>,
    ) -> serde_json::Result<Vec<InventoryItem>> {
        let mut out: Vec<InventoryItem> = Vec::with_capacity(items.len());
        for item in items {
            let mut item: InventoryItem = self.rewrite(&item)?;
            let before = item.item.id;
            item.item.id = item_id(&item.item);
            if item.item.id != before {
                renamed.insert(before, item.item.id);
            }
            out.push(item);
        }
        for link in
            out.iter_mut().flat_map(|item| &mut item.sightings).flat_map(|sighting| &mut sighting.links)
        {
            link.to = renamed.get(&link.to).copied().unwrap_or(link.to);
        }
        Ok(together(out))
    }

    /// The same, with every text rewritten.
    fn rewrite<T: Serialize + DeserializeOwned>(&self, value: &T) -> serde_json::Result<T> {
        let mut value = of_json(&to_json(value)?)?;
        self.walk(&mut value, "");
        of_json(&to_json(&value)?)
    }

    fn walk(&self, value: &mut Value, key: &str) {
        match value {
            Value::String(text) => *text = self.text(take(text), key),
            Value::Array(values) => values.iter_mut().for_each(|value| self.walk(value, key)),
            Value::Object(fields) => {
                // The bytes of a path that is no text would spell the name out.
                if fields.contains_key("path_hex") && fields.get("path").is_some_and(|path| self.tells(path))
                {
                    fields.remove("path_hex");
                }
                fields.iter_mut().for_each(|(key, value)| self.walk(value, key));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn tells(&self, path: &Value) -> bool {
        path.as_str().is_some_and(|path| self.text(path.to_owned(), "path") != path)
    }

    fn text(&self, text: String, key: &str) -> String {
        if key == "owner" {
            return self.owner(text);
        }
        let text = self.people.iter().fold(text, without_home);
        let mut text = self.without_sids(text);
        if TALK.contains(&key) {
            text = self.people.iter().fold(text, |text, person| without_word(&text, person));
        }
        if text.contains(['/', '\\']) { self.without_parts(&text) } else { text }
    }

    /// Of a process: an account of the system, or a person's, whether it has a home here or not.
    fn owner(&self, owner: String) -> String {
        let folded = owner.to_lowercase();
        let is_number = owner.bytes().all(|byte| byte.is_ascii_digit());
        let is_service = folded.starts_with(['_']) || NOBODY.contains(&folded.as_str()) || is_number;
        if is_service { owner } else { pseudonym(&self.key, &self.without_sids(owner)) }
    }

    /// Identifiers of accounts, whoever's they are: a profile may be gone, and its keys still there.
    fn without_sids(&self, text: String) -> String {
        let folded = text.to_ascii_lowercase();
        if !OF_ACCOUNTS.iter().any(|start| folded.contains(start)) {
            return text;
        }
        let (mut out, mut rest) = (String::with_capacity(text.len()), text.as_str());
        while let Some((before, sid, after)) = next_sid(rest) {
            out.push_str(before);
            let folded = sid.to_lowercase();
            let known = self.people.iter().find(|person| person.sid.as_ref() == Some(&folded));
            out.push_str(&known.map_or_else(|| pseudonym(&self.key, sid), |person| person.pseudonym.clone()));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// Parts of a path that bear a user's name by where they stand: `/var/spool/cron/crontabs/ann`, `C:\Users\ANN~1`.
    fn without_parts(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut before = String::new();
        for part in text.split_inclusive(['/', '\\']) {
            let bare = part.trim_end_matches(['/', '\\']);
            let folded = bare.to_lowercase();
            let person =
                BY_USER.contains(&before.as_str()).then(|| self.people.iter().find(|one| one.is(&folded)));
            match person.flatten() {
                Some(person) => {
                    out.push_str(&person.pseudonym);
                    out.push_str(part.get(bare.len()..).unwrap_or_default());
                }
                None => out.push_str(part),
            }
            before = folded;
        }
        out
    }
}

impl Person {
    /// Whether a part of a path, in small letters, is the name, or the short one that Windows makes of it (`ANNASM~1`), or the
    /// name with its domain or an ending behind it (`ann.CORP`, `ann.bak`).
    fn is(&self, part: &str) -> bool {
        let own_folder = self.home.as_deref().and_then(|home| home.rsplit(['/', '\\']).next());
        let mut names = [Some(self.name.as_str()), own_folder].into_iter().flatten();
        names.any(|name| {
            let name = name.to_lowercase();
            let short = part.split_once('~').is_some_and(|(start, number)| {
                let letters: String = name.chars().filter(|letter| !" .".contains(*letter)).take(6).collect();
                start == letters && number.bytes().all(|byte| byte.is_ascii_digit())
            });
            part == name
                || short
                || part.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    }
}

/// What stands for a name.
fn pseudonym(key: &hmac::Key, name: &str) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(DOMAIN);
    context.update(name.to_lowercase().as_bytes());
    let tag = context.sign();
    let start = tag.as_ref().get(..6).unwrap_or_default();
    format!("user-{}", Hex::encode_to_string(start).unwrap_or_default())
}

/// Whether an account is somebody's. What is a pseudonym already stays as it is.
fn is_person(name: &str, home: &HostPath) -> bool {
    let first = home.parts().next().unwrap_or_default();
    let of_system = SYSTEM_FOLDERS.iter().any(|folder| folder.as_bytes() == first)
        && !home.is_within(&"/var/home".into())
        && !home.is_within(&"/usr/home".into());
    let is_done = name.strip_prefix("user-").is_some_and(|digits| {
        digits.len() == 12 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    !of_system && !is_done && !name.is_empty() && !NOBODY.contains(&name.to_lowercase().as_str())
}

/// A home wherever it stands, in any letters' case and with any separators: `file:///C:/Users/ann/x` too.
fn without_home(text: String, person: &Person) -> String {
    let Some(home) = &person.home else { return text };
    let Some(at) = home.rfind(['/', '\\']).map(|at| at + 1) else { return text };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut last = None;
    while let Some(letter) = rest.chars().next() {
        let starts = last.is_none_or(|last: char| !last.is_alphanumeric());
        let after = starts.then(|| after_folded(rest, home)).flatten();
        let ends = after.and_then(|after| after.chars().next()).is_none_or(|next| !in_name(next));
        if let Some(after) = after.filter(|_| ends) {
            let found = rest.get(..rest.len() - after.len()).unwrap_or_default();
            let parent = found.char_indices().rfind(|(_, letter)| is_separator(*letter));
            out.push_str(parent.and_then(|(at, _)| found.get(..=at)).or(home.get(..at)).unwrap_or_default());
            out.push_str(&person.pseudonym);
            last = out.chars().next_back();
            rest = after;
        } else {
            out.push(letter);
            last = Some(letter);
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// A name as a word of a sentence.
fn without_word(text: &str, person: &Person) -> String {
    if !text.to_lowercase().contains(&person.name) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(|letter: char| !in_name(letter)) {
        let bare = part.strip_suffix(|letter: char| !in_name(letter)).unwrap_or(part);
        let word = bare.trim_end_matches('.');
        if word.to_lowercase() == person.name {
            out.push_str(&person.pseudonym);
            out.push_str(part.get(word.len()..).unwrap_or_default());
        } else {
            out.push_str(part);
        }
    }
    // A name of several words.
    if person.name.contains(|letter: char| !in_name(letter)) { without_phrase(&out, person) } else { out }
}

fn without_phrase(text: &str, person: &Person) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(letter) = rest.chars().next() {
        let starts = out.chars().next_back().is_none_or(|last| !last.is_alphanumeric());
        let after = starts.then(|| after_folded(rest, &person.name)).flatten();
        let ends = |after: &&str| after.chars().next().is_none_or(|next| !next.is_alphanumeric());
        if let Some(after) = after.filter(ends) {
            out.push_str(&person.pseudonym);
            rest = after;
        } else {
            out.push(letter);
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// What stands behind `start`, where the text begins with that.
fn after_folded<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let mut letters = text.chars();
    for wanted in start.chars() {
        let found = letters.next()?;
        let same = found == wanted
            || (is_separator(found) && is_separator(wanted))
            || found.to_lowercase().eq(wanted.to_lowercase());
        if !same {
            return None;
        }
    }
    Some(letters.as_str())
}

fn is_separator(letter: char) -> bool {
    matches!(letter, '/' | '\\')
}

fn in_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

/// What stands before the next identifier of an account, that, and what stands behind it.
fn next_sid(text: &str) -> Option<(&str, &str, &str)> {
    let folded = text.to_ascii_lowercase();
    let at = OF_ACCOUNTS.iter().filter_map(|start| folded.find(start)).min()?;
    let (before, rest) = text.split_at_checked(at)?;
    let length = rest.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '-' | 'S' | 's'));
    let (sid, after) = rest.split_at_checked(length.unwrap_or(rest.len()))?;
    let whole = sid.trim_end_matches('-');
    Some((before, whole, rest.get(whole.len()..).unwrap_or(after)))
}

/// Two items that a name alone told apart are one now.
fn together(items: Vec<InventoryItem>) -> Vec<InventoryItem> {
    let mut places: BTreeMap<ItemId, usize> = BTreeMap::new();
    let mut out: Vec<InventoryItem> = Vec::with_capacity(items.len());
    for item in items {
        let at = *places.entry(item.item.id).or_insert(out.len());
        match out.get_mut(at) {
            Some(had) => had.sightings.extend(item.sightings),
            None => out.push(item),
        }
    }
    out
}

#[cfg(test)]
#[path = "pseudonym_tests.rs"]
mod tests;
