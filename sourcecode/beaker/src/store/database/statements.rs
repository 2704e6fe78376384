//! The statements, all in one place. SQLite and PostgreSQL understand nearly the same ones.
//!
//! Each is one transaction of its own. A condition is a part of its statement, so nothing can come
//! between the look and the write.

use crate::error::{Error, Result};

/// The longest name: PostgreSQL cuts names at 63 bytes, and the index's is longer.
const LONGEST_NAME: usize = 48;

/// What differs between the two.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    pub(super) text: &'static str,
    pub(super) number: &'static str,
    pub(super) bytes: &'static str,
    /// What ends the definition of the table.
    pub(super) ending: &'static str,
    /// What a parameter's number follows.
    pub(super) mark: &'static str,
}

/// The statements for one table.
pub(super) struct Statements {
    /// The name of the table.
    #[cfg(feature = "sqlite")]
    pub(super) table: String,
    /// Creates the table and its index where they are missing.
    pub(super) create: String,
    /// Fails if the table is missing, or has other columns.
    pub(super) probe: String,
    pub(super) read: String,
    pub(super) put: String,
    pub(super) put_absent: String,
    pub(super) put_unchanged: String,
    pub(super) delete: String,
    pub(super) delete_unchanged: String,
    /// Removes a row whose checksum is wrong, if it is still that one.
    pub(super) delete_damaged: String,
    /// The last name of the next step of a `clear`, if there is more than one step left.
    pub(super) clear_until: String,
    pub(super) clear_step: String,
    pub(super) clear_rest: String,
    pub(super) sweep: String,
}

impl Statements {
    pub(super) fn new(table: &str, dialect: Dialect) -> Result<Statements> {
        check(table)?;
        let Dialect { text, number, bytes, ending, mark } = dialect;
        let with = |statement: &str| {
            let statement = statement.replace("TABLE", &format!("\"{table}\""));
            statement.replace("INDEX", &format!("\"{table}_expires_at\"")).replace('?', mark)
        };
        let put = "insert into TABLE as old (namespace, name, version, expires_at, bytes, checksum) \
             values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (namespace, name) do update set \
             version = excluded.version, expires_at = excluded.expires_at, \
             bytes = excluded.bytes, checksum = excluded.checksum";
        let lives = "(expires_at is null or expires_at > ?3)";
        let delete = format!("delete from TABLE where namespace = ?1 and name = ?2 and {lives}");
        Ok(Statements {
            #[cfg(feature = "sqlite")]
            table: table.to_owned(),
            create: with(&format!(
                "create table if not exists TABLE (namespace {text} not null, name {text} not null, \
                 version {number} not null, expires_at {number}, bytes {bytes} not null, \
                 checksum {number} not null, primary key (namespace, name)){ending}; \
                 create index if not exists INDEX on TABLE (expires_at) \
                 where expires_at is not null"
            )),
            probe: with(
                "select namespace, name, version, expires_at, bytes, checksum from TABLE limit 0",
            ),
            read: with(
                "select version, expires_at, bytes, checksum from TABLE \
                 where namespace = ?1 and name = ?2",
            ),
            put: with(put),
            put_absent: with(&format!("{put} where old.expires_at <= ?7")),
            put_unchanged: with(
                "update TABLE set version = ?3, expires_at = ?4, bytes = ?5, checksum = ?6 \
                 where namespace = ?1 and name = ?2 and version = ?8 \
                 and (expires_at is null or expires_at > ?7)",
            ),
            delete: with(&delete),
            delete_unchanged: with(&format!("{delete} and version = ?4")),
            delete_damaged: with(
                "delete from TABLE where namespace = ?1 and name = ?2 \
                 and version = ?3 and checksum = ?4",
            ),
            clear_until: with(
                "select name from TABLE where namespace = ?1 and name > ?2 \
                 order by name limit 1 offset ?3",
            ),
            clear_step: with("delete from TABLE where namespace = ?1 and name > ?2 and name <= ?3"),
            clear_rest: with("delete from TABLE where namespace = ?1 and name > ?2"),
            // The condition stands there twice: what is written anew meanwhile stays.
            sweep: with(
                "delete from TABLE where expires_at <= ?1 and (namespace, name) in \
                 (select namespace, name from TABLE where expires_at <= ?1 \
                 order by expires_at limit ?2)",
            ),
        })
    }
}

/// The name becomes a part of the statements, so it is letters, digits and `_` only.
fn check(table: &str) -> Result<()> {
    let plain = table.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let begins = table.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if plain && begins && table.len() <= LONGEST_NAME {
        return Ok(());
    }
    Err(Error::config(format!(
        "`{table}` is no name for a table: `table_name` is letters, digits and `_`, \
         with no digit first, and at most {LONGEST_NAME} of them"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tables() {
        for good in ["beaker_values", "_1", "Select"] {
            check(good).unwrap();
        }
        let long = "x".repeat(LONGEST_NAME + 1);
        for wrong in ["", "1a", "a b", "a;b", "a\"b", "a.b", "ä", &long] {
            let message = check(wrong).unwrap_err().to_string();
            assert!(message.contains(&format!("`{wrong}`")), "{message}");
        }
    }
}
