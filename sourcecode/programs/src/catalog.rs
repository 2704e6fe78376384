//! The programs that there are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, Result, Workspace, manifest};

/// One numbered program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    number: u32,
    name: String,
    features: Vec<String>,
    source: PathBuf,
}

impl Program {
    /// The number that its name begins with.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its name for cargo, such as `0_session`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The features that it must be built with.
    #[must_use]
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Its source file.
    #[must_use]
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// What its visitors do, if there is a file that says so: `visits.txt`, beside its source.
    pub fn walk(&self) -> Result<Option<String>> {
        let file = self.source.with_file_name("visits.txt");
        match fs::read_to_string(&file) {
            Ok(walk) if self.source.ends_with("main.rs") => Ok(Some(walk)),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::system(format!("could not read `{}`", file.display()))(error))
            }
            _ => Ok(None),
        }
    }

    /// Whether it talks to a memcached.
    #[must_use]
    pub fn needs_memcached(&self) -> bool {
        self.features.iter().any(|feature| feature == "memcached")
    }

    /// Whether it talks to a redis.
    #[must_use]
    pub fn needs_redis(&self) -> bool {
        self.features.iter().any(|feature| feature == "redis")
    }

    /// Whether it serves web pages until it is stopped.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.features.iter().any(|feature| ["server", "axum", "shop"].contains(&&**feature))
    }

    /// What a reader types to run it.
    #[must_use]
    pub fn command(&self) -> String {
        let command = format!("cargo run --example {}", self.name);
        match self.features.as_slice() {
            [] => command,
            features => format!("{command} --features {}", features.join(",")),
        }
    }
}

/// All numbered programs, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    programs: Vec<Program>,
}

impl Catalog {
    /// Reads the folder of programs, and from `Cargo.toml` what each needs.
    pub fn read(workspace: &Workspace) -> Result<Catalog> {
        let unreadable =
            |path: &Path| Error::system(format!("could not read `{}`", path.display()));
        let (folder, manifest) = (workspace.examples(), workspace.manifest());
        let features = fs::read_to_string(&manifest).map_err(unreadable(&manifest))?;
        let mut features = manifest::required_features(&features);
        let mut programs = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let source = entry.map_err(unreadable(&folder))?.path();
            // What has no number is not a program of the book: `common/`, for example.
            if let Some((number, name)) = numbered(&source) {
                let source = if source.is_dir() { source.join("main.rs") } else { source };
                let features = features.remove(&name).unwrap_or_default();
                programs.push(Program { number, name, features, source });
            }
        }
        programs.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
        match programs.windows(2).find(|pair| pair[0].number == pair[1].number) {
            None => Ok(Catalog { programs }),
            Some(pair) => Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "`{}` and `{}` in `{}` have the same number; give one of them another",
                    pair[0].name,
                    pair[1].name,
                    folder.display()
                ),
            )),
        }
    }

    /// All of them.
    #[must_use]
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// The program with this number. If there is none, the error lists those that there are.
    pub fn find(&self, number: u32) -> Result<&Program> {
        self.programs.iter().find(|program| program.number == number).ok_or_else(|| {
            let names: Vec<&str> = self.programs.iter().map(Program::name).collect();
            let there_is = match names.as_slice() {
                [] => "the folder examples/ holds no numbered program".to_owned(),
                names => format!("there is {}", names.join(", ")),
            };
            Error::new(ErrorKind::Usage, format!("there is no program {number}; {there_is}"))
        })
    }
}

/// The number and the name of a program in this file, `N_slug.rs`, or in this folder, `N_slug`.
fn numbered(source: &Path) -> Option<(u32, String)> {
    let name = source.file_name()?.to_str()?;
    let name = if source.is_dir() { name } else { name.strip_suffix(".rs")? };
    let (number, _) = name.split_once('_')?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| digits).map(|number| (number, name.to_owned()))
}
