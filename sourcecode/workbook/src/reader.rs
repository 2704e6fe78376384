//! [`Reader`]: what the reader has read, run and solved, in a session of the library that the book is
//! about.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use beaker::{Backend, Session, SessionId, Sessions, Value, Values};

/// The session of the one reader whom a workbook has. It is kept in files in the folder `progress/`, and
/// its id beside it: so the command and every browser find the same one.
#[derive(Debug, Clone)]
pub struct Reader {
    sessions: Sessions,
    id: SessionId,
}

/// What a reader has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Pages read to their end, such as `session-create`.
    pub pages: BTreeSet<String>,
    /// Programs run, with the output that is recorded.
    pub programs: BTreeSet<String>,
    /// Exercises solved.
    pub exercises: BTreeSet<String>,
}

const PAGES: &str = "pages";
const PROGRAMS: &str = "programs";
const EXERCISES: &str = "exercises";
/// How many hints the reader has had of each exercise.
const HINTS: &str = "hints";

impl Reader {
    /// Finds the reader's session below the workspace `root`, or begins one.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn open(root: &Path) -> Result<Reader> {
        let folder = root.join("progress");
        let shown = folder.display().to_string();
        let failed = || format!("could not keep the progress in `{shown}`");
        fs::create_dir_all(&folder).with_context(failed)?;
        let backend = Backend::open("file", &[("data_dir", &shown)]).with_context(failed)?;
        let sessions = Sessions::new(backend);
        let file = folder.join("reader");
        let known = fs::read_to_string(&file).ok().and_then(|id| id.trim().parse().ok());
        if let Some(id) = known.filter(|id| sessions.open(id).is_ok()) {
            return Ok(Reader { sessions, id });
        }
        let mut session = sessions.create();
        session.save().with_context(failed)?;
        let id = *session.id();
        keep(&file, &id).with_context(failed)?;
        Ok(Reader { sessions, id })
    }

    /// What the reader has done so far; nothing, if the session is gone.
    pub fn done(&self) -> Done {
        let session = self.sessions.open(&self.id);
        let list = |key| session.as_ref().map(|session| list(session.get(key))).unwrap_or_default();
        Done { pages: list(PAGES), programs: list(PROGRAMS), exercises: list(EXERCISES) }
    }

    /// A page was read to its end.
    pub fn read(&self, page: &str) -> Result<()> {
        self.add(PAGES, page)
    }

    /// A program printed what is recorded.
    pub fn ran(&self, program: &str) -> Result<()> {
        self.add(PROGRAMS, program)
    }

    /// An exercise was solved.
    pub fn solved(&self, exercise: &str) -> Result<()> {
        self.add(EXERCISES, exercise)
    }

    /// The number of the hint that comes next: 1 at first, and the last one again after that. It is noted as
    /// given.
    pub fn next_hint(&self, exercise: &str, of: usize) -> Result<usize> {
        let given = self.note_hint(exercise, move |given| (given + 1).min(of))?;
        Ok(given.max(1))
    }

    /// Notes that this was the last hint that was given.
    pub fn had_hint(&self, exercise: &str, number: usize) -> Result<()> {
        self.note_hint(exercise, move |_| number).map(drop)
    }

    /// The next hint is the first again.
    pub fn forget_hints(&self, exercise: &str) -> Result<()> {
        self.note_hint(exercise, |_| 0).map(drop)
    }

    fn note_hint(
        &self,
        exercise: &str,
        change: impl Fn(usize) -> usize + Send + Sync + 'static,
    ) -> Result<usize> {
        let mut session = self.open_or_begin()?;
        let name = exercise.to_owned();
        let noted = session.update(HINTS, move |old| {
            let mut all = old.and_then(Value::as_map).cloned().unwrap_or_default();
            let given = change(hint(&all, &name));
            all.insert(name.clone(), Value::from(i64::try_from(given).unwrap_or(0)));
            Value::Map(all)
        });
        session.save().context("could not keep the progress")?;
        Ok(noted.as_map().map_or(0, |all| hint(all, exercise)))
    }

    /// `update`, and not `set`: two pages that are open at once lose nothing.
    fn add(&self, key: &str, what: &str) -> Result<()> {
        let mut session = self.open_or_begin()?;
        if list(session.get(key)).contains(what) {
            return Ok(());
        }
        let what = what.to_owned();
        session.update(key, move |old| {
            let mut all = list(old);
            all.insert(what.clone());
            Value::List(all.into_iter().map(Value::from).collect())
        });
        session.save().context("could not keep the progress")
    }

    fn open_or_begin(&self) -> Result<Session> {
        self.sessions.open(&self.id).context(
            "the session with the progress is gone: it was removed while the workbook ran; start \
             the workbook again",
        )
    }
}

fn list(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::List(all)) => {
            all.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn hint(all: &Values, exercise: &str) -> usize {
    let given = all.get(exercise).and_then(Value::as_int);
    given.and_then(|given| usize::try_from(given).ok()).unwrap_or(0)
}

/// In one step, so that nobody reads half an id, and for its user alone.
fn keep(file: &Path, id: &SessionId) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(new, "{id}")?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) =
            (Reader::open(folder.path()).unwrap(), Reader::open(folder.path()).unwrap());
        std::thread::scope(|scope| {
            for (reader, name) in [(&one, "a"), (&other, "b")] {
                scope.spawn(move || {
                    for number in 0..20 {
                        reader.read(&format!("{name}{number}")).unwrap();
                    }
                });
            }
        });
        one.ran("0_session").unwrap();
        other.solved("00_session").unwrap();
        let done = Reader::open(folder.path()).unwrap().done();
        assert_eq!((done.pages.len(), done.programs.len(), done.exercises.len()), (40, 1, 1));
    }

    #[test]
    fn hints_come_one_after_another() {
        let folder = tempfile::tempdir().unwrap();
        let next = |exercise| Reader::open(folder.path()).unwrap().next_hint(exercise, 3).unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        assert_eq!([next("a"), next("b"), next("a"), next("a"), next("a")], [1, 1, 2, 3, 3]);
        reader.forget_hints("a").unwrap();
        assert_eq!([next("a"), next("b")], [1, 2]);
        reader.had_hint("b", 1).unwrap();
        assert_eq!(next("b"), 2);
    }

    #[test]
    fn what_cannot_be_read_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        Reader::open(folder.path()).unwrap().read("page").unwrap();
        fs::write(folder.path().join("progress/reader"), "../../etc/passwd").unwrap();
        let reader = Reader::open(folder.path()).unwrap();
        assert_eq!(reader.done(), Done::default());
        reader.read("page").unwrap();
        assert_eq!(Reader::open(folder.path()).unwrap().done().pages.len(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("progress"), "a file").unwrap();
        let error = Reader::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("progress"), "{error}");
    }
}
