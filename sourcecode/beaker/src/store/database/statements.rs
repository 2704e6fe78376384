//! All statements in one place. SQLite and PostgreSQL understand nearly the same ones.
//!
//! Each is a transaction of its own. A condition is a part of its statement, so nothing can come between
//! the check and the write.

use crate::error::{Error, Result};
use crate::store::MAX_COUNT;

/// The longest name: PostgreSQL cuts names at 63 bytes, and the name of the index is longer.
const LONGEST_NAME: usize = 48;

/// The differences between the two databases.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    pub(super) text: &'static str,
    pub(super) number: &'static str,
    pub(super) bytes: &'static str,
    /// The end of the table's definition.
    pub(super) ending: &'static str,
    /// The prefix of a parameter's number.
    pub(super) mark: &'static str,
    /// An expression that turns the digits in `COLUMN` into a number, and other bytes into null.
    pub(super) number_of: &'static str,
    /// An expression that turns `NUMBER` into its digits, as bytes.
    pub(super) digits_of: &'static str,
    /// An expression that turns the column `bytes` into a text.
    pub(super) text_of: &'static str,
}

/// One of the statements. Those with `Many` handle many keys at once; SQLite has none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    Read,
    Put,
    PutAbsent,
    PutUnchanged,
    Delete,
    DeleteUnchanged,
    /// Removes a row whose checksum is wrong, if it has not changed.
    DeleteDamaged,
    /// Adds to a counter or creates it, and returns its digits.
    Increment,
    /// Returns the last name of the next step of a `clear`, if there is more than one step left.
    ClearUntil,
    ClearStep,
    ClearRest,
    Sweep,
    /// Returns the live names of a namespace, beginning at a given one.
    Names,
    #[cfg(feature = "postgres")]
    ReadMany,
    #[cfg(feature = "postgres")]
    PutMany,
    #[cfg(feature = "postgres")]
    DeleteMany,
}

use Statement::*;

impl Statement {
    /// All of them, in order.
    pub(super) const ALL: &[Statement] = &[
        Read,
        Put,
        PutAbsent,
        PutUnchanged,
        Delete,
        DeleteUnchanged,
        DeleteDamaged,
        Increment,
        ClearUntil,
        ClearStep,
        ClearRest,
        Sweep,
        Names,
        #[cfg(feature = "postgres")]
        ReadMany,
        #[cfg(feature = "postgres")]
        PutMany,
        #[cfg(feature = "postgres")]
        DeleteMany,
    ];

    /// Returns the text, with `TABLE` for the table and `?` before the numbers of parameters.
    fn template(self, dialect: Dialect) -> String {
        const ROW: &str = "(namespace, name, version, expires_at, bytes, checksum)";
        const REPLACE: &str = "on conflict (namespace, name) do update set \
             version = excluded.version, expires_at = excluded.expires_at, \
             bytes = excluded.bytes, checksum = excluded.checksum";
        const LIVES: &str = "(expires_at is null or expires_at > ?3)";
        const AT_KEY: &str = "where namespace = ?1 and name = ?2";
        match self {
            Read => format!("select version, expires_at, bytes, checksum from TABLE {AT_KEY}"),
            Put => {
                format!("insert into TABLE as old {ROW} values (?1, ?2, ?3, ?4, ?5, ?6) {REPLACE}")
            }
            PutAbsent => format!("{} where old.expires_at <= ?7", Put.template(dialect)),
            PutUnchanged => format!(
                "update TABLE set version = ?3, expires_at = ?4, bytes = ?5, checksum = ?6 \
                 {AT_KEY} and version = ?8 and (expires_at is null or expires_at > ?7)"
            ),
            Delete => format!("delete from TABLE {AT_KEY} and {LIVES}"),
            DeleteUnchanged => format!("{} and version = ?4", Delete.template(dialect)),
            DeleteDamaged => {
                format!("delete from TABLE {AT_KEY} and version = ?3 and checksum = ?4")
            }
            Increment => increment(dialect),
            ClearUntil => "select name from TABLE where namespace = ?1 and name > ?2 \
                 order by name limit 1 offset ?3"
                .into(),
            ClearStep => {
                "delete from TABLE where namespace = ?1 and name > ?2 and name <= ?3".into()
            }
            ClearRest => "delete from TABLE where namespace = ?1 and name > ?2".into(),
            // The condition is repeated, so that rows that were replaced meanwhile stay.
            Sweep => "delete from TABLE where expires_at <= ?1 and (namespace, name) in \
                 (select namespace, name from TABLE where expires_at <= ?1 \
                 order by expires_at limit ?2)"
                .into(),
            Names => format!(
                "select name from TABLE where namespace = ?1 and name > ?2 and {LIVES} \
                 order by name limit ?4"
            ),
            #[cfg(feature = "postgres")]
            ReadMany => {
                "select version, expires_at, bytes, checksum, wanted.at from TABLE as old join \
                 unnest(?1::text[], ?2::text[]) with ordinality as wanted (namespace, name, at) \
                 on old.namespace = wanted.namespace and old.name = wanted.name"
                    .into()
            }
            #[cfg(feature = "postgres")]
            PutMany => format!(
                "insert into TABLE as old {ROW} select * from unnest(?1::text[], ?2::text[], \
                 ?3::bigint[], ?4::bigint[], ?5::bytea[], ?6::bigint[]) {REPLACE}"
            ),
            // Rows are locked in the order of their keys, as in `PutMany`, so that calls which change many
            // rows at once cannot wait for each other in a circle.
            #[cfg(feature = "postgres")]
            DeleteMany => format!(
                "with doomed as (select old.namespace, old.name from TABLE as old join \
                 unnest(?1::text[], ?2::text[]) as wanted (namespace, name) \
                 on old.namespace = wanted.namespace and old.name = wanted.name where {LIVES} \
                 order by old.namespace, old.name for update of old) \
                 delete from TABLE as old using doomed \
                 where old.namespace = doomed.namespace and old.name = doomed.name"
            ),
        }
    }
}

/// The parameters are: namespace, name, version, time of expiry, number to add, checksum of the key, now.
///
/// The row of a counter contains only numbers, so the database itself calculates its checksum: see
/// `Columns::sum`.
fn increment(dialect: Dialect) -> String {
    let sum = |expires: &str, count: &str| {
        format!(
            "-1 - (cast(?6 as bigint) + 3 * (cast(?3 as bigint) & {MAX_COUNT}) + \
             5 * (coalesce({expires}, 0) & {MAX_COUNT}) + 7 * {count})"
        )
    };
    let digits = |number: &str| dialect.digits_of.replace("NUMBER", number);
    let old_sum = sum("old.expires_at", "COUNT").replace("cast(?3 as bigint)", "old.version");
    let (first, first_end) = ("cast(?5 as bigint)", "cast(?4 as bigint)");
    let next = format!("(COUNT + {first})");
    let is_over = "(old.expires_at is not null and old.expires_at <= ?7)";
    let (first_digits, next_digits) = (digits(first), digits(&next));
    let (first_sum, next_sum) = (sum(first_end, first), sum("old.expires_at", &next));
    let text = format!(
        "insert into TABLE as old (namespace, name, version, expires_at, bytes, checksum) \
         values (?1, ?2, ?3, ?4, {first_digits}, {first_sum}) \
         on conflict (namespace, name) do update set version = excluded.version, \
         expires_at = case when {is_over} then excluded.expires_at else old.expires_at end, \
         bytes = case when {is_over} then excluded.bytes else {next_digits} end, \
         checksum = case when {is_over} then excluded.checksum else {next_sum} end \
         where {is_over} or (old.checksum = {old_sum} and {next} <= {MAX_COUNT}) \
         returning {}",
        dialect.text_of,
    );
    text.replace("COUNT", &dialect.number_of.replace("COLUMN", "old.bytes"))
}

/// The texts of the statements for one table.
pub(super) struct Statements {
    /// The name of the table.
    #[cfg(feature = "sqlite")]
    pub(super) table: String,
    /// Creates the table and its index if they are missing.
    pub(super) create: String,
    /// Fails if the table is missing, or has other columns.
    pub(super) probe: String,
    texts: Vec<String>,
}

impl Statements {
    pub(super) fn new(table: &str, dialect: Dialect) -> Result<Statements> {
        check(table)?;
        let Dialect { text, number, bytes, ending, mark, .. } = dialect;
        let with = |statement: &str| {
            let statement = statement.replace("TABLE", &format!("\"{table}\""));
            statement.replace("INDEX", &format!("\"{table}_expires_at\"")).replace('?', mark)
        };
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
            texts: Statement::ALL
                .iter()
                .map(|statement| with(&statement.template(dialect)))
                .collect(),
        })
    }

    pub(super) fn text(&self, statement: Statement) -> &str {
        &self.texts[statement as usize]
    }
}

/// The name becomes a part of the statements, so only letters, digits and `_` are allowed.
pub(super) fn check(table: &str) -> Result<()> {
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

    #[test]
    fn all_are_in_their_order() {
        for (at, statement) in Statement::ALL.iter().enumerate() {
            assert_eq!(*statement as usize, at, "{statement:?}");
        }
    }
}
