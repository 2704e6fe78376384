//! `sessions`: lists them, shows one, ends some.

use std::collections::BTreeSet;

use beaker::config::Place as Where;
use beaker::key::Namespace;
use beaker::{
    Backend, Clock, Error, ErrorKind, Result, Session, SessionId, Sessions as Opened, SystemClock,
    Value,
};
use inspect::{Place, Sessions, Yes};

use crate::place::{check, described, each_key, read};
use crate::{ago, confirmed, plain};

/// A shorter beginning of an id is most likely a slip.
const SHORTEST: usize = 4;

/// Does what was asked for.
pub fn run(command: Sessions) -> Result<()> {
    match command {
        Sessions::List { most, place } => Room::open(&place)?.list(most),
        Sessions::Show { id, values, place } => Room::open(&place)?.show(&id, values),
        Sessions::End { user: Some(user), yes, place } => Room::open(&place)?.end_user(&user, &yes),
        Sessions::End { user: None, yes, mut place } => {
            // An id has no `=`, and an option has one.
            let at = place.words.iter().position(|word| !word.contains('='));
            let Some(at) = at else {
                return Err(wrong("say which session: its id, or `--user` and whose"));
            };
            let id = place.words.remove(at);
            Room::open(&place)?.end(&id, &yes)
        }
        Sessions::Clear { yes, place } => Room::open(&place)?.clear(&yes),
    }
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, what)
}

/// The sessions, and where they are.
struct Room {
    backend: Backend,
    namespace: Namespace,
    sessions: Opened,
    place: String,
}

impl Room {
    fn open(place: &Place) -> Result<Room> {
        let config = read(place, "session")?.session;
        let Where::Backend(backend) = &config.place else {
            return Err(wrong(
                "sessions in cookies are with the visitors, and nowhere else: the server cannot list or end \
                 them; to end all, change their key",
            ));
        };
        check(backend)?;
        let opened = backend.open()?;
        let sessions = config.sessions_in(opened.clone())?.namespace(&place.namespace);
        let namespace = Namespace::new(&place.namespace);
        let place = described(&config.to_string(), "session.");
        Ok(Room { backend: opened, namespace, sessions, place })
    }

    fn list(&self, most: usize) -> Result<()> {
        let (mut seen, mut is_cut) = (BTreeSet::new(), false);
        let now = SystemClock.now();
        println!("{:<9}  {:<20}  {:<12}  last used", "id", "user", "began");
        each_key(&**self.backend.store(), &self.namespace, |keys| {
            for id in keys.iter().filter_map(|key| id_of(key.name())) {
                if seen.len() >= most {
                    is_cut = true;
                    return Ok(false);
                }
                if let Some(session) = self.living(&id)?
                    && seen.insert(id)
                {
                    println!("{}", row(&session, now));
                }
            }
            Ok(true)
        })?;
        let count = seen.len();
        let more = if is_cut { ", and there are more: `--most` says how many to list" } else { "" };
        let sessions = if count == 1 { "session" } else { "sessions" };
        println!("{count} {sessions} in {}{more}", self.place);
        Ok(())
    }

    /// The session under this id; `None` if it has ended, and for an old id that leads to another one.
    fn living(&self, id: &SessionId) -> Result<Option<Session>> {
        match self.sessions.open(id) {
            Ok(session) => Ok(Some(session).filter(|session| session.id() == id)),
            Err(error) if error.kind() == ErrorKind::UnknownSession => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn show(&self, id: &str, with_values: bool) -> Result<()> {
        let session = self.sessions.open(&self.found(id)?)?;
        let now = SystemClock.now();
        println!("session    {:?}", session.id());
        println!("user       {}", shown_user(&session));
        println!("began      {}", ago(session.created(), now));
        let used = session.last_accessed().map_or("never".into(), |used| ago(used, now));
        println!("last used  {used}");
        for (name, value) in session.values() {
            let shown = match with_values && !is_secret(name) {
                true => plain(format!("{value:?}").as_bytes()),
                false => format!("({})", kind(value)),
            };
            println!("  {}: {shown}", plain(name.as_bytes()));
        }
        for value in session.unreadable() {
            println!("  {}", plain(format!("{value:?}").as_bytes()));
        }
        Ok(())
    }

    fn end(&self, id: &str, yes: &Yes) -> Result<()> {
        let mut session = self.sessions.open(&self.found(id)?)?;
        let what = format!("end the session {:?} of {}", session.id(), shown_user(&session));
        confirmed(yes, &format!("{what} in {}", self.place))?;
        session.delete()?;
        println!("ended the session {:?}", session.id());
        Ok(())
    }

    fn end_user(&self, user: &str, yes: &Yes) -> Result<()> {
        if !yes.yes {
            let count = self.sessions.sessions_of(user)?.len();
            let user = plain(user.as_bytes());
            confirmed(yes, &format!("end {count} sessions of `{user}` in {}", self.place))?;
        }
        let count = self.sessions.revoke_all(user, None)?;
        println!("ended {count} sessions of `{}`", plain(user.as_bytes()));
        Ok(())
    }

    fn clear(&self, yes: &Yes) -> Result<()> {
        if !yes.yes {
            let mut count = 0;
            let counted = each_key(&**self.backend.store(), &self.namespace, |keys| {
                count += keys.iter().filter(|key| id_of(key.name()).is_some()).count();
                Ok(true)
            });
            let how_many = match counted {
                Ok(_) if count == 1 => "the 1 session".to_owned(),
                Ok(_) => format!("all {count} sessions"),
                // It cannot tell how many there are, and can clear them.
                Err(error) if error.kind() == ErrorKind::Config => "all sessions".to_owned(),
                Err(error) => return Err(error),
            };
            confirmed(yes, &format!("end {how_many} in {}", self.place))?;
        }
        self.backend.store().clear(&self.namespace)?;
        println!("ended all sessions in {}", self.place);
        Ok(())
    }

    /// The id that begins so.
    fn found(&self, text: &str) -> Result<SessionId> {
        let text = text.trim_end_matches('…');
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex || text.len() < SHORTEST {
            let what = format!(
                "an id is 32 lower-case hex digits, or {SHORTEST} and more of its first ones"
            );
            return Err(wrong(what));
        }
        let mut found = BTreeSet::new();
        each_key(&**self.backend.store(), &self.namespace, |keys| {
            let ids = keys.iter().filter_map(|key| id_of(key.name()));
            for id in ids.filter(|id| id.as_str().starts_with(text)) {
                if self.living(&id)?.is_some() {
                    found.insert(id);
                }
            }
            Ok(found.len() < 2)
        })?;
        match (found.pop_first(), found.is_empty()) {
            (Some(id), true) => Ok(id),
            (Some(_), false) => {
                Err(wrong(format!("several ids begin with `{text}`; say more of it")))
            }
            (None, _) => {
                let what =
                    format!("no session in {} has an id that begins with `{text}`", self.place);
                Err(Error::new(ErrorKind::UnknownSession, what))
            }
        }
    }
}

fn id_of(name: &[u8]) -> Option<SessionId> {
    str::from_utf8(name).ok()?.parse().ok()
}

fn row(session: &Session, now: beaker::Timestamp) -> String {
    let used = session.last_accessed().map_or("never".into(), |used| ago(used, now));
    let (id, began) = (format!("{:?}", session.id()), ago(session.created(), now));
    format!("{id:<9}  {:<20}  {began:<12}  {used}", shown_user(session))
}

fn shown_user(session: &Session) -> String {
    session.user().map_or("nobody".into(), |user| plain(user.as_bytes()))
}

/// Whether a value is not for the eyes of whoever looks after the server.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let suspicious = ["secr", "key", "pass", "pwd", "token", "credential", "csrf"];
    suspicious.iter().any(|part| name.contains(part))
}

/// What a value is, and not what it says.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(_) => "true or false".into(),
        Value::Int(_) | Value::Float(_) => "a number".into(),
        Value::Text(text) => format!("a text of {} characters", text.chars().count()),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::List(list) => format!("a list of {}", list.len()),
        Value::Map(map) => format!("a map of {}", map.len()),
        _ => "a value of another kind".into(),
    }
}
