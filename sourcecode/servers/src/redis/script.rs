//! [`Script`]: those of the library, which are all that is known here.

/// A script that the library sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Script {
    PutUnchanged,
    DeleteUnchanged,
    PutSame,
    DeleteSame,
    Increment,
}

impl Script {
    const ALL: [Script; 5] = [
        Script::PutUnchanged,
        Script::DeleteUnchanged,
        Script::PutSame,
        Script::DeleteSame,
        Script::Increment,
    ];

    pub(super) fn of_text(text: &[u8]) -> Option<Script> {
        Script::ALL.into_iter().find(|script| script.text().as_bytes() == text)
    }

    pub(super) fn of_hash(hash: &[u8]) -> Option<Script> {
        Script::ALL.into_iter().find(|script| script.hash().as_bytes().eq_ignore_ascii_case(hash))
    }

    fn text(self) -> &'static str {
        match self {
            Script::PutUnchanged => {
                include_str!("../../../beaker/src/store/redis/put_unchanged.lua")
            }
            Script::DeleteUnchanged => {
                include_str!("../../../beaker/src/store/redis/delete_unchanged.lua")
            }
            Script::PutSame => include_str!("../../../beaker/src/store/redis/put_same.lua"),
            Script::DeleteSame => include_str!("../../../beaker/src/store/redis/delete_same.lua"),
            Script::Increment => include_str!("../../../beaker/src/store/redis/increment.lua"),
        }
    }

    /// The SHA-1 of its text.
    pub(super) fn hash(self) -> &'static str {
        match self {
            Script::PutUnchanged => "d9db10ba2a68115afa6a65241e9cbb77e51d31c1",
            Script::DeleteUnchanged => "3e1997c6e817791b48f2dd7aa8ebddd400754e2d",
            Script::PutSame => "e8f610622dde261773dd1c1e4be29b1192ccecb9",
            Script::DeleteSame => "dd8507eedd7500a702955c65f6f600869f35e65b",
            Script::Increment => "098acf037aa1ee06a0abefed5c98aeaf2be2f7f3",
        }
    }
}
