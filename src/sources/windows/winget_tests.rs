//! Tests of `winget`, against databases that SQLite wrote.

use super::*;
use crate::host::{FakeHost, FakeNode, FakeRegistry, Miss};
use crate::model::{GapReason, ScopeAsk};
use crate::parse::registry_value::RegistryValue;
use crate::parse::winget_db::tests::made;
use crate::sources::testing::{collect, collect_for};

const STATE: &str =
    "/C:/Users/alice/AppData/Local/Packages/Microsoft.DesktopAppInstaller_8wekyb3d8bbwe/LocalState";
const PORTABLE: &str = "/C:/Users/alice/AppData/Local/Microsoft/WinGet/Packages";
const TABLES: &str = "CREATE TABLE [packages]([rowid] INTEGER PRIMARY KEY, [id] TEXT NOT NULL, [name] TEXT NOT NULL,
     [moniker] TEXT, [latest_version] TEXT NOT NULL);
     INSERT INTO packages(id, name, moniker, latest_version) VALUES ('Kaspersky.KVRT', 'KVRT', NULL, '20.0'),
         ('Tencent.QQ', 'QQ', 'qq', '9.7.1');
     CREATE TABLE [productcodes2]([productcode] TEXT NOT NULL, [package] INT64 NOT NULL,
         PRIMARY KEY([productcode], [package])) WITHOUT ROWID;
     INSERT INTO productcodes2 VALUES ('{01d48e5f-8885-47c2-8d89-793cfc9de165}', 1), ('qq', 2);
     CREATE TABLE [pfns2]([rowid] INTEGER PRIMARY KEY, [pfn] TEXT NOT NULL);
     INSERT INTO pfns2(pfn) VALUES ('tencent.qq_8wekyb3d8bbwe');
     CREATE TABLE [pfns2_map]([pfn] INT64 NOT NULL, [package] INT64 NOT NULL, PRIMARY KEY([pfn], [package])) WITHOUT ROWID;
     INSERT INTO pfns2_map VALUES (1, 2);";

fn host(nodes: Vec<(String, FakeNode)>) -> FakeHost {
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1";
    let registry =
        FakeRegistry::new().key(list, &[("ProfileImagePath", RegistryValue::sz(r"C:\Users\alice"))]);
    let fixed = [("/C:/Users/alice/NTUSER.DAT".to_owned(), FakeNode::File(Vec::new()))];
    let nodes: Vec<_> = fixed.into_iter().chain(nodes).collect();
    FakeHost::windows(nodes.iter().map(|(path, node)| (path.as_str(), node.clone())), registry)
}

fn ids(trace: &Trace) -> Vec<(IdentifierType, &str)> {
    trace.identifiers.iter().map(|id| (id.kind, id.value.as_str())).collect()
}

#[test]
fn records_of_every_source_and_portable_programs() {
    let database = || FakeNode::File(made(TABLES));
    let other = TABLES.replace("Kaspersky.KVRT', 'KVRT'", "9NKSQGP7F2NH', 'WhatsApp'");
    let nodes = vec![
        (format!("{STATE}/Microsoft.Winget.Source_8wekyb3d8bbwe/installed.db"), database()),
        (format!("{STATE}/StoreEdgeFD/installed.db"), FakeNode::File(made(&other))),
        (format!("{STATE}/DiagOutputDir/x.log"), FakeNode::File(vec![])),
        (
            format!("{PORTABLE}/Tencent.QQ_Microsoft.Winget.Source_8wekyb3d8bbwe/qq.exe"),
            FakeNode::File(vec![]),
        ),
        (format!("{PORTABLE}/A_b.C_Microsoft.Winget.Source_8wekyb3d8bbwe/c.exe"), FakeNode::File(vec![])),
        (format!("{PORTABLE}/Own.Tool__DefaultSource/t.exe"), FakeNode::File(vec![])),
        ("/C:/Program Files/WinGet/Packages/Acme.All_Source/a.exe".to_owned(), FakeNode::File(vec![])),
    ];
    let host = host(nodes);
    let (haul, outcome) = collect(&Winget, &host);
    assert_eq!((outcome, haul.gaps()), (Outcome::Read, vec![]));
    let seen: Vec<_> =
        haul.traces().iter().map(|trace| (trace.name.as_str(), trace.scope.to_string())).collect();
    let own = "user:1".to_owned();
    assert_eq!(
        seen,
        [
            ("Acme.All", "machine".to_owned()),
            ("KVRT", own.clone()),
            ("QQ", own.clone()),
            ("WhatsApp", own.clone()),
            ("QQ", own.clone()),
            ("A_b.C", own.clone()),
            ("Own.Tool", own)
        ]
    );
    let kvrt = &haul.traces()[1];
    assert_eq!(kvrt.version, Some(Version::new("20.0", Scheme::Dotted)));
    let code = (IdentifierType::ProductCode, "{01D48E5F-8885-47C2-8D89-793CFC9DE165}");
    assert_eq!(ids(kvrt), [(IdentifierType::WingetId, "Kaspersky.KVRT"), code]);
    let family = (IdentifierType::PackageFamilyName, "tencent.qq_8wekyb3d8bbwe");
    let qq = [(IdentifierType::WingetId, "Tencent.QQ"), (IdentifierType::UninstallKey, "qq"), family];
    assert_eq!(ids(&haul.traces()[2]), qq);
    let of = |scope| {
        let want = Wanted { scope, ..Wanted::default() };
        collect_for(&Winget, &host, &want).0.traces().len()
    };
    assert_eq!((of(ScopeAsk::System), of(ScopeAsk::User)), (1, 6));
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let of = |path: &str, node| collect(&Winget, &host(vec![(format!("{STATE}{path}"), node)])).0.gaps();
    let denied = [(GapReason::PermissionDenied, true)];
    assert_eq!(of("", FakeNode::Broken(Miss::Denied)), denied);
    assert_eq!(of("/x/installed.db", FakeNode::Unreadable(Miss::Denied)), denied);
    for noise in [vec![], vec![0xFF; 4096], made("CREATE TABLE x(y)"), made(TABLES)[..3000].to_vec()] {
        let gaps = of("/x/installed.db", FakeNode::File(noise));
        assert!(gaps.iter().any(|(_, blocking)| *blocking), "{gaps:?}");
    }
    let nodes = vec![
        (format!("{STATE}/x/installed.db"), FakeNode::File(made(TABLES))),
        (format!("{STATE}/x/installed.db-wal"), FakeNode::Unreadable(Miss::Denied)),
    ];
    let (haul, _) = collect(&Winget, &host(nodes));
    assert_eq!((haul.traces().len(), haul.gaps()), (2, vec![(GapReason::Malformed, true)]));
}
