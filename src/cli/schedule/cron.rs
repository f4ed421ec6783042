//! The schedule of cron, where systemd does not run: one file in `/etc/cron.d`, whose name may have no dot.
//!
//! Called by the front of this folder. Pure. Words after crontab(5) of Vixie cron (Debian) and cronie.

use super::plan::{File, Plan, SAYS, Setup};

/// Where it lies.
pub(super) const PATH: &str = "/etc/cron.d/interdict";
/// Daemons that read it: Debian's and SUSE's, and that of cronie.
pub(super) const DAEMONS: [&str; 2] = ["/usr/sbin/cron", "/usr/sbin/crond"];
/// Letters that Vixie cron takes of a command.
const MAX_COMMAND: usize = 998;

/// The file; nothing is to be called, cron looks every minute.
pub(super) fn setup(plan: &Plan) -> Result<Setup, String> {
    let times = plan.own_times()?;
    let mut words: Vec<String> =
        [&plan.program].into_iter().chain(&plan.arguments).map(|word| quoted(word)).collect();
    if !plan.arguments.iter().any(|word| word == "--priority" || word.starts_with("--priority=")) {
        words.extend(["--priority", "low"].map(str::to_owned));
    }
    let command = words.join(" ");
    if command.len() > MAX_COMMAND {
        return Err(format!(
            "cron takes {MAX_COMMAND} letters of a command, and these are {}; what is always asked can stand in the \
             configuration ('interdict config show')",
            command.len()
        ));
    }
    let text = format!(
        "# {SAYS}\n# {}\nSHELL=/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nMAILTO=\"\"\n{} root {command}\n",
        plan.mark().line(),
        times.expression()
    );
    Ok(Setup { files: vec![File::text(PATH, text)], enable: Vec::new(), assure: Vec::new() })
}

/// A word of the shell. A percent sign stands outside of quotes, behind a backslash: one cron takes the backslash away, another
/// leaves it to the shell.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=,@+-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''").replace('%', "'\\%'"))
}

#[cfg(test)]
mod tests {
    #![cfg_attr(unix, expect(clippy::disallowed_methods, reason = "the test asks the shell"))]

    use super::super::plan::example;
    use super::*;
    use proptest::prelude::*;

    fn text(setup: &Setup) -> String {
        String::from_utf8(setup.files[0].bytes.clone()).unwrap()
    }

    #[test]
    fn one_line_of_root_that_gives_way() {
        let got = text(&setup(&example(&["scan", "-o", "/srv/50%/r.json"], "17 3 * * *", 0)).unwrap());
        let line = "17 3 * * * root /usr/bin/interdict scan -o '/srv/50'\\%'/r.json' --priority low\n";
        assert!(got.ends_with(line), "{got}");
        let own = text(&setup(&example(&["scan", "--priority=normal"], "17 3 * * *", 0)).unwrap());
        assert!(own.ends_with("scan --priority=normal\n"));
        assert!(
            crate::parse::crontab::crontab(got.as_bytes(), crate::parse::crontab::Kind::System)
                .faults
                .is_empty()
        );
    }

    #[test]
    fn what_cron_would_cut_is_refused() {
        assert!(setup(&example(&["x".repeat(990).as_str()], "17 3 * * *", 0)).unwrap_err().contains("998"));
    }

    /// What is left of a command, of cronie and of Vixie cron 3.0. `None`: it is cut at a percent sign.
    fn of_cron(command: &str, strips: bool) -> Option<String> {
        let (mut out, mut escaped) = (String::new(), false);
        for c in command.chars() {
            if escaped && c == '%' && strips {
                out.pop();
            }
            if !escaped && c == '%' {
                return None;
            }
            escaped = !escaped && c == '\\';
            out.push(c);
        }
        Some(out)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// By the shell itself.
        #[cfg(unix)]
        #[test]
        fn arguments_come_through(arguments in proptest::collection::vec("[ -~éж]{0,12}|[\\\\%']{1,8}", 1..5)) {
            let command: String = arguments.iter().flat_map(|word| [" ".to_owned(), quoted(word)]).collect();
            for strips in [true, false] {
                let left = of_cron(&command, strips).unwrap();
                let mut shell = std::process::Command::new("/bin/sh");
                let output = shell.arg("-c").arg(format!("printf '%s\\0'{left}")).output().unwrap();
                let want: String = arguments.iter().flat_map(|word| [word, "\0"]).collect();
                prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), want);
            }
        }
    }
}
