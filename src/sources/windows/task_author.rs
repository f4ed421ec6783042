//! Whether the author of a task is who made a product, or the account that registered it.
//!
//! Called by `scheduled_tasks`.

use crate::model::HostFacts;

/// Accounts of Windows itself, as tasks name them without their domain.
const ACCOUNTS: &[&str] =
    &["system", "local service", "network service", "administrator", "administrators", "users"];

/// Whether an author may be a firm: no account (`DOMAIN\user`, `user@domain`, a security identifier, a user or the name of
/// this computer), and no reference to a text in a library (`$(@%SystemRoot%\system32\x.dll,-100)`), which nobody resolves.
pub(super) fn is_a_maker(author: &str, facts: &HostFacts) -> bool {
    let author = author.trim();
    let is = |name: &str| author.eq_ignore_ascii_case(name);
    let is_account = author.contains(['\\', '@'])
        || author.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("S-1-"))
        || ACCOUNTS.iter().any(|name| is(name))
        || facts.name.as_deref().is_some_and(is)
        || facts.users.iter().any(|user| is(&user.name));
    !author.is_empty() && !author.starts_with("$(") && !is_account
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FakeHost, FakeNode, FakeRegistry, Host};
    use crate::parse::registry_value::RegistryValue;

    #[test]
    fn accounts_and_references_made_nothing() {
        let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
        let name = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName";
        let registry = FakeRegistry::new()
            .key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))])
            .key(name, &[("ComputerName", RegistryValue::sz("PC-7"))]);
        let host = FakeHost::windows([("/C:/Users/alice/NTUSER.DAT", FakeNode::File(vec![]))], registry);
        for account in [
            r"ACME\alice",
            "ALICE",
            "alice@acme.example",
            "S-1-5-18",
            "SYSTEM",
            "pc-7",
            " ",
            r"$(@%SystemRoot%\system32\shell32.dll,-100)",
        ] {
            assert!(!is_a_maker(account, host.facts()), "{account}");
        }
        for maker in ["AO Kaspersky Lab", "Microsoft Corporation.", "Google LLC"] {
            assert!(is_a_maker(maker, host.facts()), "{maker}");
        }
    }
}
