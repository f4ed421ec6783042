//! Tasks of the Task Scheduler: its files (XML below `System32\Tasks`, `.job` before Windows Vista) and its cache in the
//! registry. A task that only one of them has is kept: the scheduler runs what is in the cache, and Windows' own list
//! leaves out what lost its security descriptor there.
//!
//! Arguments are never kept. The author of a task is who made the product only where it is no account.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::{Hive, Host, Key, Kind, Stat, WalkNext, Walked};
use crate::model::{
    Family, Field, GapReason, HostPath, Image, ItemKind, Means, Need, Place, Recorded, Stamp, State, Trace,
    Wanted, WindowsFacts,
};
use crate::parse::job_file;
use crate::parse::task::{self, Action};
use crate::parse::task_actions;
use crate::sources::{About, Haul, Outcome, Source};

use super::started;
use super::task_author;

/// The source `scheduled-tasks`.
pub struct ScheduledTasks;

/// Files of tasks, below the folder of Windows.
const FILES: &str = "System32/Tasks";
const JOBS: &str = "Tasks";
/// The cache: what is run, and the names that lead to it.
const CACHE: &str = r"Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache";
/// Real task files have some kilobytes.
const LIMIT: u64 = 1 << 20;
/// Folders of tasks within each other; names are as long as paths can be.
const MAX_DEPTH: usize = 64;
/// Names in the tree; a Windows has some three hundred.
const MAX_NAMES: usize = 100_000;
/// Where a COM class names its program: the library that is loaded, or the program that is started.
const SERVERS: &[(&str, bool)] = &[("InprocServer32", false), ("LocalServer32", true)];
const CLASSES: &[&str] = &[r"Classes\CLSID", r"Classes\WOW6432Node\CLSID"];

static ABOUT: About = About {
    name: "scheduled-tasks",
    summary: "tasks of the scheduler, from its files and its cache, whatever of the two a task is missing in",
    families: &[Family::Windows],
    needs: &[Need::Files, Need::Registry],
    yields: &[(ItemKind::Autostart, &[State::Installed, State::Remnant])],
    fields: &[Field::Name, Field::Publisher, Field::Path],
    ..About::USUAL
};

impl Source for ScheduledTasks {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn collect(&self, host: &dyn Host, _want: &Wanted, haul: &mut Haul) -> Outcome {
        let Some(windows) = &host.facts().windows else {
            return Outcome::Failed("this host has no folder of Windows".to_owned());
        };
        let mut tasks = Tasks { host, windows, files: BTreeMap::new() };
        tasks.xml(haul);
        tasks.jobs(haul);
        tasks.cache(haul);
        Outcome::Read
    }
}

/// Images of a task's actions, each once.
type Images = Vec<Image>;

/// What one record says of a task.
struct Said {
    /// Its whole path, `\Acme\Update`.
    task: String,
    author: Option<String>,
    images: Images,
    place: Place,
    recorded: Option<Stamp>,
}

/// Where a walk of the tree is.
struct Branch {
    /// Tasks of the cache, by path in small letters.
    cached: BTreeSet<String>,
    above: Vec<String>,
    /// Names that may still be looked at.
    left: usize,
}

struct Tasks<'h> {
    host: &'h dyn Host,
    windows: &'h WindowsFacts,
    /// Programs of the tasks that have files, by path in small letters.
    files: BTreeMap<String, Images>,
}

impl Tasks<'_> {
    fn xml(&mut self, haul: &mut Haul) {
        let folder = self.windows.root.join(FILES);
        let files = self.host.files();
        let walk = files.walk(&folder, &mut |walked| {
            match walked {
                Walked::Seen { path, stat } if stat.kind == Kind::File => {
                    self.file(&folder, &path, &stat, haul);
                }
                Walked::Seen { .. } => {}
                Walked::Missed(path, miss) => haul.miss(&path, &miss),
            }
            if haul.time_left() { WalkNext::On } else { WalkNext::Stop }
        });
        haul.optional(&folder, walk);
    }

    fn file(&mut self, folder: &HostPath, path: &HostPath, stat: &Stat, haul: &mut Haul) {
        let below = path.as_bytes().get(folder.as_bytes().len()..).unwrap_or_default();
        let task = HostPath::new(below).text().replace('/', "\\");
        let read = self.host.files().read(path, LIMIT);
        let (author, images) = match haul.listed(path, read) {
            Some(bytes) => {
                let (found, faults) = task::task(&bytes);
                haul.faults(path, &faults);
                (found.author, self.images(&found.actions, haul))
            }
            None => (None, Vec::new()),
        };
        self.files.insert(task.to_lowercase(), images.clone());
        let place = Place::file(path.clone());
        self.push(Said { task, author, images, place, recorded: stat.modified }, haul);
    }

    /// Tasks of the scheduler before Windows Vista, which later ones still have.
    fn jobs(&self, haul: &mut Haul) {
        let folder = self.windows.root.join(JOBS);
        let listed = self.host.files().list(&folder);
        for entry in haul.optional(&folder, listed).unwrap_or_default() {
            let path = folder.join(&entry.name);
            let file = path.file_name_text();
            let Some(name) = stem(&file, ".job").filter(|_| entry.kind != Kind::Folder) else { continue };
            let read = self.host.files().read(&path, LIMIT);
            let job = haul.listed(&path, read).and_then(|bytes| match job_file::job(&bytes) {
                Ok(job) => Some(job),
                Err(what) => {
                    haul.gap_with(GapReason::Malformed, &path, what);
                    None
                }
            });
            let image =
                job.as_ref().and_then(|job| started::started(self.host, &job.application, None, haul));
            let recorded = self.host.files().stat(&path).ok().and_then(|stat| stat.modified);
            let said = Said {
                task: name.to_owned(),
                author: job.and_then(|job| job.author),
                images: image.into_iter().collect(),
                place: Place::file(path),
                recorded,
            };
            self.push(said, haul);
        }
    }

    fn cache(&self, haul: &mut Haul) {
        let Some(cache) = haul.key(self.host, Hive::Software, CACHE) else { return };
        let mut cached = BTreeSet::new();
        if let Some(tasks) = haul.subkey(cache.as_ref(), "Tasks") {
            haul.each_key(tasks.as_ref(), &mut |key, haul| {
                self.cached(key, &mut cached, haul);
            });
        }
        if let Some(tree) = haul.subkey(cache.as_ref(), "Tree") {
            self.tree(tree.as_ref(), &mut Branch { cached, above: Vec::new(), left: MAX_NAMES }, haul);
        }
    }

    /// One task by its identifier.
    fn cached(&self, key: &dyn Key, cached: &mut BTreeSet<String>, haul: &mut Haul) {
        let path = haul.text(key, "Path").or_else(|| haul.text(key, "URI"));
        let task = path.unwrap_or_else(|| key.name().to_owned());
        let folded = task.to_lowercase();
        let actions = haul.value(key, "Actions").map(|value| task_actions::actions(&value.data));
        let actions = actions.unwrap_or_default();
        haul.faults(&key.place(), &actions.faults);
        let mut images = self.images(&actions.records, haul);
        cached.insert(folded.clone());
        if let Some(known) = self.files.get(&folded) {
            images.retain(|image| !known.iter().any(|known| known.path == image.path));
            if images.is_empty() {
                haul.count_record();
                return;
            }
        }
        let author = haul.text(key, "Author");
        let place = Place::record(key.place(), format!("task {task}"));
        self.push(Said { task, author, images, place, recorded: key.last_write() }, haul);
    }

    /// Names that lead to a task of which nothing else is left.
    fn tree(&self, key: &dyn Key, branch: &mut Branch, haul: &mut Haul) {
        if branch.above.len() > MAX_DEPTH || branch.left == 0 {
            return haul.gap_with(GapReason::Budget, &key.place(), "too many tasks within each other");
        }
        haul.each_key(key, &mut |key, haul| {
            branch.left = branch.left.saturating_sub(1);
            branch.above.push(key.name().to_owned());
            let task = format!(r"\{}", branch.above.join(r"\"));
            let folded = task.to_lowercase();
            let is_known = self.files.contains_key(&folded) || branch.cached.contains(&folded);
            if !is_known && haul.text(key, "Id").is_some() {
                let place = Place::record(key.place(), format!("task {task}"));
                let mut trace = Trace::new(ItemKind::Autostart, last(&task), State::Remnant, place);
                trace.recorded_at = Recorded { value: key.last_write(), means: Means::FileTime };
                haul.push(trace);
            }
            self.tree(key, branch, haul);
            branch.above.pop();
        });
    }

    /// The programs of a task's actions.
    fn images(&self, actions: &[Action], haul: &mut Haul) -> Images {
        let mut images = Images::new();
        for action in actions {
            let found = match action {
                Action::Exec { command, .. } => started::started(self.host, command, None, haul),
                Action::Com { class } => self.class(&class.to_string(), haul),
                Action::Other => None,
            };
            images.extend(found.filter(|found| !images.iter().any(|known: &Image| known.path == found.path)));
        }
        images
    }

    /// The program of a COM class of the machine.
    fn class(&self, class: &str, haul: &mut Haul) -> Option<Image> {
        for classes in CLASSES {
            let key = haul.key(self.host, Hive::Software, &format!(r"{classes}\{class}"));
            let image = key.and_then(|key| self.server(key.as_ref(), haul));
            if image.is_some() {
                return image;
            }
        }
        None
    }

    fn server(&self, class: &dyn Key, haul: &mut Haul) -> Option<Image> {
        SERVERS.iter().find_map(|(name, is_line)| {
            let server = haul.subkey(class, name)?;
            let text = haul.text(server.as_ref(), "")?;
            match is_line {
                true => started::started(self.host, &text, None, haul),
                false => started::file(self.host, &text, None, haul),
            }
        })
    }

    /// A trace for each program of a task; one without a program where it has none.
    fn push(&self, said: Said, haul: &mut Haul) {
        let publisher = said.author.filter(|author| task_author::is_a_maker(author, self.host.facts()));
        let mut images: Vec<Option<Image>> = said.images.into_iter().map(Some).collect();
        if images.is_empty() {
            images.push(None);
        }
        for image in images {
            let state = State::of_record(image.as_ref());
            let mut trace = Trace::new(ItemKind::Autostart, last(&said.task), state, said.place.clone());
            trace.publisher.clone_from(&publisher);
            trace.image = image;
            trace.recorded_at = Recorded { value: said.recorded, means: Means::FileTime };
            haul.push(trace);
        }
    }
}

/// The name of a task: the last part of its path.
fn last(task: &str) -> &str {
    task.rsplit('\\').find(|part| !part.is_empty()).unwrap_or(task)
}

fn stem<'n>(name: &'n str, ending: &str) -> Option<&'n str> {
    let (stem, tail) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    tail.eq_ignore_ascii_case(ending).then_some(stem)
}

#[cfg(test)]
#[path = "scheduled_tasks_tests.rs"]
mod tests;
