//! Attestation packs as their reader and a forger meet them: written, checked by our program and by standard tools, cut,
//! flipped, put together anew. Nothing that was changed is ever verified.
#![expect(clippy::disallowed_methods, reason = "tests write packs of their own; a test fails by panicking")]
#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{Root, Run, has, interdict, skip};

/// Reports of the golden host of the formats.
const BAD: &[u8] = include_bytes!("formats/non-compliant.json");
const GOOD: &[u8] = include_bytes!("formats/compliant.json");

/// A folder with two reports, two key pairs, and `pack.zip`, signed with the first.
fn site() -> Root {
    let site = Root::empty();
    for name in ["our", "their"] {
        let words = format!("rules keygen --no-password --secret-key {name}.key --public-key {name}.pub");
        assert_eq!(run(&site, &words).code, 0);
    }
    site.file("bad.json", BAD);
    site.file("good.json", GOOD);
    let made = run(&site, "attest bad.json -o pack.zip --secret-key our.key");
    assert_eq!(made.code, 0, "{made:?}");
    site
}

/// Runs the program in the folder, without the configuration of this computer.
fn run(site: &Root, words: &str) -> Run {
    Run::of(interdict().current_dir(site.path()).args(words.split_whitespace()).arg("--no-config"))
}

fn verify(site: &Root, pack: &str) -> Run {
    run(site, &format!("verify-report {pack} --public-key our.pub"))
}

#[track_caller]
fn ends(run: &Run, code: i32, words: &str) {
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(run.code == code && said.contains(words), "{code}, {words}: {run:?}");
}

/// A program that is not ours, in a folder of the site.
fn tool(site: &Root, folder: &str, words: &str) -> Run {
    let mut words = words.split_whitespace();
    Run::of(Command::new(words.next().unwrap()).current_dir(site.at(folder)).args(words))
}

/// Runs Python over the pack: `files` are its files by name, `write(files)` makes `out.zip` as we would.
fn forge(site: &Root, change: &str) -> bool {
    let script = format!(
        "import hashlib, zipfile\n\
         pack = zipfile.ZipFile('pack.zip')\n\
         time = pack.infolist()[0].date_time\n\
         files = {{one.filename: pack.read(one) for one in pack.infolist()}}\n\
         def sums():\n\
         \x20   names = [name for name in sorted(files) if not name.startswith('SHA256SUMS')]\n\
         \x20   lines = [hashlib.sha256(files[name]).hexdigest() + '  ' + name + '\\n' for name in names]\n\
         \x20   files['SHA256SUMS'] = ''.join(lines).encode()\n\
         def info(name, mode=0o100644):\n\
         \x20   info = zipfile.ZipInfo(name, time)\n\
         \x20   info.create_system, info.external_attr = 3, mode << 16\n\
         \x20   info.compress_type = zipfile.ZIP_DEFLATED\n\
         \x20   return info\n\
         def write(entries):\n\
         \x20   with zipfile.ZipFile('out.zip', 'w') as out:\n\
         \x20       for one, data in entries: out.writestr(one, data)\n\
         def all(): return [(info(name), files[name]) for name in sorted(files)]\n\
         {change}\n"
    );
    site.file("forge.py", script);
    if !has("python3") {
        skip("python3 is not installed");
        return false;
    }
    let made = tool(site, ".", "python3 -W ignore forge.py");
    assert_eq!(made.code, 0, "{made:?}");
    true
}

#[test]
fn a_pack_is_written_and_verified() {
    let site = site();
    let verified = verify(&site, "pack.zip");
    ends(&verified, 0, "pack.zip: verified: whole, and signed by a key that was asked for");
    let key = fs::read_to_string(site.at("our.pub")).unwrap();
    let key = key.lines().nth(1).unwrap();
    for words in [
        "made again, it is the same to the last byte",
        "golden",
        "non-compliant",
        "interdict attestation, report:",
    ] {
        assert!(verified.stdout.contains(words), "{words}: {verified:?}");
    }
    ends(&run(&site, &format!("verify-report pack.zip --public-key {key}")), 0, "verified");
    let both = "verify-report pack.zip --public-key their.pub --public-key our.pub";
    ends(&run(&site, both), 0, "verified");
}

#[test]
fn the_standard_tools_check_the_same_pack() {
    let tools = ["unzip", "sha256sum", "minisign", "python3"];
    if let Some(missing) = tools.iter().find(|tool| !has(tool)) {
        return skip(&format!("{missing} is not installed"));
    }
    let site = site();
    let whole = tool(&site, ".", "unzip -t pack.zip");
    assert!(whole.code == 0 && whole.stdout.contains("No errors detected"), "{whole:?}");
    let python = "import zipfile; z = zipfile.ZipFile('pack.zip'); print(z.testzip(), sorted({i.date_time for i in z.infolist()}), \
                  all(i.external_attr >> 16 == 0o100644 for i in z.infolist()), z.namelist() == sorted(z.namelist()))";
    let read = Run::of(Command::new("python3").current_dir(site.path()).args(["-c", python]));
    assert_eq!(read.stdout, "None [(2026, 11, 1, 8, 0, 0)] True True\n", "{read:?}");
    assert_eq!(tool(&site, ".", "unzip -q pack.zip -d pack").code, 0);
    let sums = tool(&site, "pack", "sha256sum --check --strict SHA256SUMS");
    assert!(sums.code == 0 && sums.stdout.contains("report.json: OK"), "{sums:?}");
    let signed = tool(&site, "pack", "minisign -V -p ../our.pub -m SHA256SUMS");
    assert!(
        signed.code == 0 && signed.stdout.contains("\thost:golden\tscanned:2026-11-01T08:00:00Z"),
        "{signed:?}"
    );
    assert_ne!(tool(&site, "pack", "minisign -V -p ../their.pub -m SHA256SUMS").code, 0);
    assert_eq!(fs::read(site.at("pack/report.json")).unwrap(), BAD);
    // What README.txt says is there, and all that is there stands in it.
    let readme = fs::read_to_string(site.at("pack/README.txt")).unwrap();
    for entry in fs::read_dir(site.at("pack")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.txt" || readme.contains(&format!("\n{name} ")), "{name}");
    }
}

/// Key and signature of minisign itself.
#[test]
fn a_key_of_minisign_signs_and_checks() {
    if !has("minisign") {
        return skip("minisign is not installed");
    }
    let site = site();
    assert_eq!(tool(&site, ".", "minisign -G -W -p mini.pub -s mini.key").code, 0);
    assert_eq!(run(&site, "attest good.json -o mini.zip --secret-key mini.key").code, 0);
    ends(&run(&site, "verify-report mini.zip --public-key mini.pub"), 0, "verified");
    ends(&verify(&site, "mini.zip"), 1, "is demanded");
}

#[test]
fn the_same_reports_make_the_same_bytes() {
    let site = site();
    for name in ["one.zip", "two.zip"] {
        assert_eq!(run(&site, &format!("attest bad.json good.json -o {name}")).code, 0);
    }
    assert_eq!(fs::read(site.at("one.zip")).unwrap(), fs::read(site.at("two.zip")).unwrap());
    let piped = "cat bad.json | \"$1\" attest - -o piped.zip && \"$1\" attest bad.json -q -o - > out.zip";
    let program = interdict().get_program().to_owned();
    let piped = Run::of(Command::new("sh").current_dir(site.path()).args(["-c", piped, "sh"]).arg(program));
    assert_eq!(piped.code, 0, "{piped:?}");
    assert_eq!(fs::read(site.at("piped.zip")).unwrap(), fs::read(site.at("out.zip")).unwrap());
    let many = run(&site, "verify-report one.zip");
    ends(&many, 3, "report-2.json: ");
}

#[test]
fn nobody_vouches_for_what_is_not_signed() {
    let site = site();
    ends(&run(&site, "attest bad.json -o plain.zip"), 0, "not signed: with --secret-key");
    let plain = run(&site, "verify-report plain.zip");
    ends(&plain, 3, "whole, but nobody vouches for it");
    assert!(plain.stdout.contains("it is not signed, and anybody could have made it"), "{plain:?}");
    ends(&verify(&site, "plain.zip"), 1, "it is not signed, and a signature of ");
    let unchecked = run(&site, "verify-report pack.zip");
    ends(&unchecked, 3, "no key was given to check that with");
}

#[test]
fn only_the_keys_that_were_asked_for_count() {
    let site = site();
    ends(&run(&site, "verify-report pack.zip --public-key their.pub"), 1, "or says so, and a signature of ");
    site.file("site.toml", "schema = 1\ntrusted_keys = [\"our.pub\"]\n");
    site.file("other.toml", "schema = 1\ntrusted_keys = [\"their.pub\"]\n");
    let by = |config: &str, more: &[&str]| {
        let words = ["verify-report", "pack.zip", "--config", config];
        Run::of(interdict().current_dir(site.path()).args(words).args(more))
    };
    ends(&by("site.toml", &[]), 0, "verified");
    ends(&by("other.toml", &[]), 1, "is demanded");
    ends(&by("other.toml", &["--public-key", "our.pub"]), 0, "verified");
    ends(&run(&site, "verify-report pack.zip --public-key none.pub"), 2, "none.pub");
    // Another key that says it is ours: the same id, other bytes.
    let ours = fs::read_to_string(site.at("our.pub")).unwrap();
    let theirs = fs::read_to_string(site.at("their.pub")).unwrap();
    let (ours, theirs) = (ours.lines().nth(1).unwrap(), theirs.lines().nth(1).unwrap());
    // Base64: 2 bytes of algorithm and 8 of the id are 13 letters and a part of one; take 16, and the key begins otherwise.
    let mixed = format!("{}{}", &ours[..16], &theirs[16..]);
    ends(&run(&site, &format!("verify-report pack.zip --public-key {mixed}")), 1, "is not as the key ");
}

#[test]
fn every_flip_is_refused() {
    let site = site();
    let good = fs::read(site.at("pack.zip")).unwrap();
    let directory = good.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let signature = find(&good, b"SHA256SUMS.minisig");
    // Every so many bytes of all, and more of headers, the signature, the directory and the end.
    let mut places: Vec<usize> = (0..good.len()).step_by(good.len() / 120 + 1).collect();
    places.extend((0..60).step_by(3).chain((signature..signature + 340).step_by(9)));
    places.extend((directory..good.len()).step_by(11));
    for (n, at) in places.into_iter().enumerate() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (n % 8);
        site.file("bad.zip", &bad);
        let run = verify(&site, "bad.zip");
        assert!(run.code == 1 && run.stdout.contains("NOT verified"), "byte {at} of {}: {run:?}", good.len());
        assert!(run.stdout.contains("\nwrong\n") && !run.stdout.contains("never proven"), "{run:?}");
    }
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|part| part == what).unwrap()
}

/// Where nobody signed, a flip must be seen too: made again, it would be other bytes.
#[test]
fn flips_of_what_is_not_signed_are_refused() {
    let site = site();
    assert_eq!(run(&site, "attest good.json -o plain.zip").code, 0);
    let good = fs::read(site.at("plain.zip")).unwrap();
    for (n, at) in (7..good.len()).step_by(good.len() / 60).enumerate() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (n % 8);
        site.file("bad.zip", &bad);
        ends(&run(&site, "verify-report bad.zip"), 1, "NOT verified");
    }
}

#[test]
fn cut_off_and_added_to() {
    let site = site();
    let good = fs::read(site.at("pack.zip")).unwrap();
    for cut in [good.len() - 1, good.len() - 22, good.len() - 300, good.len() / 2, 4000] {
        site.file("cut.zip", &good[..cut]);
        ends(&verify(&site, "cut.zip"), 1, "cut off");
    }
    for (more, words) in [(&b"\0"[..], "1 bytes follow behind its end"), (&good[..], "follow behind its end")]
    {
        site.file("more.zip", [&good[..], more].concat());
        ends(&verify(&site, "more.zip"), 1, words);
    }
    site.file("before.zip", [b"#!/bin/sh\n", &good[..]].concat());
    ends(&verify(&site, "before.zip"), 1, "does not begin with a file");
}

#[test]
fn what_is_no_pack_is_told() {
    let site = site();
    for bytes in [&b""[..], b"PK\x03\x04", b"{}", BAD] {
        site.file("x.zip", bytes);
        ends(&verify(&site, "x.zip"), 2, "cannot check x.zip: it is no attestation pack");
    }
    ends(&verify(&site, "none.zip"), 2, "cannot read none.zip");
    ends(&verify(&site, "."), 2, "cannot read .");
    if forge(&site, "write([(info('a.txt'), b'x')])") {
        ends(&verify(&site, "out.zip"), 2, "it has no SHA256SUMS");
    }
}

#[test]
fn forged_contents_are_refused() {
    let site = site();
    // (what a forger does, what is said of it)
    let forgeries = [
        ("files['report.json'] = b'{}'; write(all())", "report.json is not the file that SHA256SUMS lists"),
        (
            "files['report.json'] += b' '; sums(); write(all())",
            "SHA256SUMS or SHA256SUMS.minisig is not as the key",
        ),
        ("files['report.txt'] = b'fine'; sums(); write(all())", "is not as the key"),
        ("files['extra.txt'] = b'x'; write(all())", "extra.txt was added"),
        ("del files['report.csv']; write(all())", "report.csv is listed in SHA256SUMS, and missing"),
        ("del files['SHA256SUMS.minisig']; write(all())", "it is not signed, and a signature of "),
        ("files['SHA256SUMS'] += b'x'; write(all())", "is no sound list"),
        ("files['SHA256SUMS.minisig'] = b'x'; write(all())", "SHA256SUMS.minisig: not a whole signature"),
        (
            "files['SHA256SUMS.minisig'] += b'\\n'; write(all())",
            "SHA256SUMS.minisig: not written by interdict",
        ),
        ("write(all() + [(info('README.txt'), b'another')])", "the file README.txt is there twice"),
        (
            "write([(info('../x'), b'x')] + all())",
            "the name \"../x\" (offset 30) is not that of a plain file",
        ),
        ("write(all() + [(info('z', 0o120777), b'/etc/passwd')])", "its directory"),
        ("write(list(reversed(all())))", "not in order"),
        (
            "a = all(); a[0][0].compress_type = zipfile.ZIP_STORED; write(a)",
            "asks for more than a deflated file needs",
        ),
        ("a = all(); a[3][0].date_time = (2020, 1, 1, 0, 0, 0); write(a)", "has another time"),
        ("a = all(); a[0][0].comment = b'x'; write(a)", "its directory"),
        ("a = all(); a[0][0].extra = b'\\1\\0\\0\\0'; write(a)", "asks for more than a deflated file needs"),
        ("files['bomb'] = bytes(64 << 20); write(all())", "bomb was added"),
        (
            "files['bomb'] = bytes(9999); write(all()); d = bytearray(open('out.zip', 'rb').read()); \
             i = d.index(b'bomb') - 8; d[i:i + 4] = b'\\xff' * 4; open('out.zip', 'wb').write(d)",
            "the file bomb claims 4294967295 bytes, more than is unpacked",
        ),
    ];
    for (change, words) in forgeries {
        if !forge(&site, change) {
            return;
        }
        ends(&verify(&site, "out.zip"), 1, words);
    }
}

/// Who has no key can make all sums right; what is shown must still follow from the report.
#[test]
fn forgeries_of_what_is_not_signed_are_found_where_they_contradict_the_report() {
    let site = site();
    let unsigned = "del files['SHA256SUMS.minisig'];";
    let forgeries = [
        ("files['report.txt'] = b'compliant'", "report.txt is not what this version makes of the reports"),
        ("files['coverage.csv'] = b'record'", "coverage.csv is not what this version makes"),
        ("files['attestation.json'] = files['attestation.json'].replace(b'non-', b'')", "attestation.json "),
        (
            "files['report.json'] = files['report.json'].replace(b'\"non-', b'\"')",
            "attestation.json does not say what the",
        ),
        ("files['report.json'] = b'{}'", "report.json is no report"),
        ("files['notes.txt'] = b'all is well'", "notes.txt is nothing that this version makes"),
        ("del files['coverage.csv']", "coverage.csv is not what this version makes"),
        ("files['report.json'] = files['report.json'].replace(b'report/1', b'report/9')", "cannot be read"),
        ("files['attestation.json'] = b'{}'", "attestation.json cannot be read"),
    ];
    for (change, words) in forgeries {
        if !forge(&site, &format!("{unsigned} {change}; sums(); write(all())")) {
            return;
        }
        let code = if words.ends_with("cannot be read") { 2 } else { 1 };
        ends(&run(&site, "verify-report out.zip"), code, words);
    }
}

/// What another version packed is not made again, and that is said; sums and signature count as ever.
#[test]
fn a_pack_of_another_version_is_checked_by_its_signature() {
    let site = site();
    let other = "files['attestation.json'] = files['attestation.json'].replace(b'\"version\": \"', b'\"version\": \"9', 1)";
    let signed = "files['SHA256SUMS.minisig'] = open('SHA256SUMS.minisig', 'rb').read()";
    if !forge(&site, &format!("{other}; sums(); open('SHA256SUMS', 'wb').write(files['SHA256SUMS'])")) {
        return;
    }
    if !forge(&site, &format!("{other}; sums(); del files['SHA256SUMS.minisig']; write(all())")) {
        return;
    }
    let unsigned = run(&site, "verify-report out.zip");
    ends(&unsigned, 3, "it was packed by interdict 9");
    assert!(!unsigned.stdout.contains("made again"), "{unsigned:?}");
    ends(&verify(&site, "out.zip"), 1, "it is not signed");
    if has("minisign") {
        let key = fs::read_to_string(site.at("our.pub")).unwrap();
        let id = key.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
        let comment = format!("signature of an interdict attestation, key {id}");
        let mut command = Command::new("minisign");
        command.current_dir(site.path()).args(["-S", "-s", "our.key", "-m", "SHA256SUMS", "-c", &comment]);
        let made = Run::of(command.args(["-t", "by hand"]));
        assert_eq!(made.code, 0, "{made:?}");
        assert!(forge(&site, &format!("{other}; sums(); {signed}; write(all())")));
        let verified = verify(&site, "out.zip");
        ends(&verified, 0, "only that version makes the same files again");
        assert!(verified.stdout.contains("and says: by hand"), "{verified:?}");
    }
}

#[test]
fn only_reports_are_attested() {
    let site = site();
    let root = Root::debian();
    let inventory = Command::new(interdict().get_program())
        .args(["inventory", "--format", "json", "--root"])
        .arg(root.path())
        .output()
        .unwrap();
    site.file("inventory.json", inventory.stdout);
    for (file, words) in [
        ("inventory.json", "cannot attest inventory.json: it holds no report"),
        ("none.json", "cannot read none.json"),
        ("our.pub", "cannot attest our.pub: it is not whole JSON"),
        ("bad.json good.json our.key", "cannot attest our.key"),
    ] {
        ends(&run(&site, &format!("attest {file} -o new.zip")), 2, words);
        assert!(!Path::exists(&site.at("new.zip")), "{file}");
    }
    ends(&run(&site, "attest bad.json -o new.zip --secret-key our.pub"), 2, "cannot use the key our.pub");
    ends(&run(&site, "attest bad.json -o no/such/folder.zip"), 2, "no/such/folder.zip");
    ends(&run(&site, "attest bad.json"), 2, "--output");
}

#[test]
fn a_scan_made_now_is_attested() {
    let site = site();
    let root = Root::debian();
    root.file("var/lib/dpkg/status", "Package: base\nStatus: install ok installed\nVersion: 1\n\n");
    let line = "\"$1\" scan --root \"$2\" --format json --with-inventory | \"$1\" attest - -o now.zip --secret-key our.key";
    let program = interdict().get_program().to_owned();
    let mut command = Command::new("sh");
    command.current_dir(site.path()).args(["-c", line, "sh"]).arg(program).arg(root.path());
    ends(&Run::of(&mut command), 0, "signed with the key ");
    ends(&verify(&site, "now.zip"), 0, "scanned ");
}

#[test]
fn a_hostile_host_name_stays_on_its_line() {
    let site = site();
    let name = "g\\u001b[31m\\n\\u202e\\tevil";
    let text = String::from_utf8(BAD.to_vec()).unwrap().replace("\"golden\"", &format!("\"{name}\""));
    site.file("evil.json", text);
    let made = run(&site, "attest evil.json -o evil.zip --secret-key our.key");
    assert_eq!(made.code, 0, "{made:?}");
    let verified = verify(&site, "evil.zip");
    ends(&verified, 0, "verified");
    for text in [&made.stderr, &verified.stdout] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\t']) && text.contains("evil"), "{text}");
    }
    if has("minisign") && has("unzip") {
        assert_eq!(tool(&site, ".", "unzip -q evil.zip -d pack").code, 0);
        let signed = tool(&site, "pack", "minisign -V -p ../our.pub -m SHA256SUMS");
        assert_eq!(signed.code, 0, "{signed:?}");
    }
}
