//! Extensions of Chrome, Chromium, Edge, Brave, Vivaldi, Opera, Arc, Yandex and their like: of every profile of every user,
//! and those that a policy or another program on the machine asks for.
//!
//! Which browsers there are is found by `browsers.rs`, a profile is read by `chromium_profile.rs`, what is asked for by
//! `extension_policies.rs`.

use crate::host::Host;
use crate::model::{Family, Field, ItemKind, Need, Scope, ScopeKind, State, User, Wanted};
use crate::sources::{About, Haul, Outcome, Source};

use super::browsers::{DataFolder, data_folders};
use super::chromium_profile::{Browser, profile};
use super::extension_policies::{asked, offers};

/// The source `chromium-extensions`.
pub struct ChromiumExtensions;

static ABOUT: About = About {
    name: "chromium-extensions",
    summary: "extensions of Chrome, Edge, Brave, Vivaldi, Opera, Arc, Yandex and their like: every profile of every user, and what policies ask for",
    families: &[Family::Linux, Family::Windows, Family::Macos],
    needs: &[Need::Files, Need::Registry],
    scopes: &[ScopeKind::Machine, ScopeKind::User],
    yields: &[(ItemKind::Extension, &[State::Installed, State::Present, State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Version, Field::Identifier, Field::Path],
    ..About::USUAL
};

impl Source for ChromiumExtensions {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, want: &Wanted, haul: &mut Haul) -> Outcome {
        asked(host, want, haul);
        for user in haul.users(host, want) {
            for data in data_folders(host, user, haul) {
                browser(host, user, &data, haul);
            }
        }
        Outcome::Read
    }
}

/// What one browser has of one user.
fn browser(host: &dyn Host, user: &User, data: &DataFolder, haul: &mut Haul) {
    let external = "External Extensions";
    if data.has(external) {
        offers(host, &data.folder.join(external), &Scope::User(user.n), haul);
    }
    let browser = Browser::of(host, user, data, haul);
    for folder in data.profiles(host.files(), haul) {
        if !haul.time_left() {
            return;
        }
        profile(&browser, &folder, haul);
    }
}

#[cfg(test)]
#[path = "chromium_extensions_tests.rs"]
mod tests;
