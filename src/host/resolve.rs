//! Links, resolved by us inside the root: a link to `/etc/x` in an image is the image's `/etc/x`.
//!
//! Called by the root and the fake host. Pure: what a path is comes from a look-up function.

use crate::model::HostPath;

use super::{Miss, Read};

/// As many links as Linux follows (`path_resolution(7)`).
const MAX_LINKS: u32 = 40;
/// Parts of one path after its links: no honest tree is deeper, and a chain of links could double it each time.
const MAX_PARTS: usize = 4096;

/// What lies at a path whose folders hold no links.
pub(super) enum Step {
    /// A link with its target: a path of the host, or relative to the link's folder.
    Link(Vec<u8>),
    /// Anything else, by the path that it is spelled with.
    Plain(HostPath),
}

/// Resolves every link of `path`, the last part too, inside the root.
pub(super) fn resolve(path: &HostPath, look: &mut dyn FnMut(&HostPath) -> Read<Step>) -> Read<HostPath> {
    let mut rest: Vec<Vec<u8>> = path.parts().map(<[u8]>::to_vec).rev().collect();
    let mut done = HostPath::from("/");
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match part.as_slice() {
            b"." => continue,
            b".." => {
                done = done.parent().unwrap_or_else(|| HostPath::from("/"));
                continue;
            }
            _ => {}
        }
        let next = done.join(&part);
        let target = match look(&next)? {
            Step::Link(target) => target,
            Step::Plain(spelled) => {
                done = spelled;
                continue;
            }
        };
        links += 1;
        let target = HostPath::new(target);
        if links > MAX_LINKS || rest.len() + target.parts().count() > MAX_PARTS {
            return Err(Miss::LinkLoop);
        }
        if target.is_absolute() {
            done = HostPath::from("/");
        }
        rest.extend(target.parts().map(<[u8]>::to_vec).rev());
    }
    Ok(done)
}
