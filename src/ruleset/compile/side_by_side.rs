//! Reading many rule files on several threads: a scan should not wait for rules that it mostly does not need.
//!
//! Called by `compile`. Files keep their order, so that what comes of them is the same on any number of threads.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use super::{Parts, read};
use crate::ruleset::diagnostic::Faults;
use crate::ruleset::rule_file::RuleFile;

/// Threads that are worth their start.
const MAX_THREADS: usize = 4;
/// Bytes that a thread should have to read at least: they take it about two milliseconds.
const MIN_BYTES: usize = 64 << 10;

/// Reads all files; `false` where it is not known what one of them would have given.
pub(super) fn read_all(files: &[Arc<RuleFile>], faults: &Faults) -> (Parts, bool) {
    let bytes: usize = files.iter().map(|file| size(file)).sum();
    let threads =
        thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS).min(bytes / MIN_BYTES);
    if threads < 2 {
        return read_some(files, faults);
    }
    let shares = shares(files, bytes.div_ceil(threads));
    let read = thread::scope(|scope| {
        let start = |share| {
            scope.spawn(move || {
                let faults = Faults::default();
                let (parts, whole) = read_some(share, &faults);
                (parts, whole, faults)
            })
        };
        let started: Vec<_> = shares.into_iter().map(start).collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect::<Vec<_>>()
    });
    let (mut all, mut all_whole) = (Parts::default(), true);
    for (parts, whole, found) in read {
        all.append(parts);
        all_whole &= whole;
        faults.append(found);
    }
    (all, all_whole)
}

/// Bytes that have to be read of it.
fn size(file: &RuleFile) -> usize {
    file.source_length()
}

fn read_some(files: &[Arc<RuleFile>], faults: &Faults) -> (Parts, bool) {
    let (mut parts, mut whole) = (Parts::default(), true);
    for file in files {
        whole &= read(file, faults, &mut parts);
    }
    (parts, whole)
}

/// Cuts the list into runs of about so many bytes.
fn shares(files: &[Arc<RuleFile>], bytes: usize) -> Vec<&[Arc<RuleFile>]> {
    let (mut shares, mut rest) = (Vec::new(), files);
    while !rest.is_empty() {
        let mut sum = 0;
        let until = rest.iter().position(|file| {
            sum += size(file);
            sum >= bytes
        });
        let (share, after) = rest.split_at(until.map_or(rest.len(), |last| last + 1));
        shares.push(share);
        rest = after;
    }
    shares
}

impl Parts {
    /// Adds what further files gave. Indicators name their product by its place in the list.
    pub(super) fn append(&mut self, mut more: Self) {
        let before = self.products.len();
        more.indicators.iter_mut().for_each(|indicator| indicator.product += before);
        self.vendors.append(&mut more.vendors);
        self.products.append(&mut more.products);
        self.indicators.append(&mut more.indicators);
        self.excludes.append(&mut more.excludes);
        self.policies.append(&mut more.policies);
        self.authorities.append(&mut more.authorities);
        self.examples.append(&mut more.examples);
        self.manifests.append(&mut more.manifests);
        self.waivers.append(&mut more.waivers);
        self.accepted_gaps.append(&mut more.accepted_gaps);
        self.references.append(&mut more.references);
        self.drafts.append(&mut more.drafts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(n: usize, bytes: usize) -> Arc<RuleFile> {
        let head = format!(
            "schema = 1\n[vendor]\nid = \"v{n}\"\nname = \"V\"\npublishers = [\"V{n}\"]\nwrong = 1\n[[product]]\n\
             id = \"v{n}.p\"\nname = \"P\"\n"
        );
        let text = format!("{head}#{}\n", "x".repeat(bytes.saturating_sub(head.len())));
        Arc::new(RuleFile::new(format!("{n}.toml"), format!("{n}.toml"), text))
    }

    #[test]
    fn the_same_comes_of_one_thread_and_of_several() {
        let files: Vec<_> = (0..40).map(|n| file(n, 9_000)).collect();
        let told = |(parts, whole): (Parts, bool), faults: Faults| {
            let products: Vec<String> = parts.products.iter().map(|one| one.id.clone()).collect();
            let of: Vec<Option<&String>> =
                parts.indicators.iter().map(|one| products.get(one.product)).collect();
            (format!("{products:?} {of:?} {whole}"), faults.into_sorted())
        };
        let (one, several) = (Faults::default(), Faults::default());
        let alone = read_some(&files, &one);
        let together = read_all(&files, &several);
        let (alone, together) = (told(alone, one), told(together, several));
        assert_eq!(alone, together);
        assert_eq!(alone.1.len(), 40, "the faults of all files are kept");
    }

    #[test]
    fn shares_hold_all_files_in_order() {
        let files: Vec<_> =
            [10_usize, 200, 5, 5, 300, 1].iter().enumerate().map(|(n, bytes)| file(n, *bytes)).collect();
        let cut = shares(&files, 250);
        assert_eq!(cut.concat(), files);
        assert!(cut.len() > 1 && cut.iter().all(|share| !share.is_empty()));
    }
}
