//! [`Problems`]: all that is wrong with a configuration, told at once.

use std::cell::RefCell;

use super::quotes::quoted;
use super::redact::redacted;
use super::settings::Setting;
use crate::error::{Error, Result};

/// The mistakes that were found so far, each a line.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<String>>);

impl Problems {
    /// Something is wrong with what was said. The text says what is allowed.
    pub(super) fn wrong(&self, key: &str, setting: &Setting, what: &str) {
        let value = redacted(key, &setting.value);
        let value = quoted(&value);
        self.note(format!("{key} = {value} ({}): {what}", setting.origin));
    }

    /// Something was not said that has to be.
    pub(super) fn missing(&self, key: &str, what: &str) {
        self.note(format!("{key} is missing: {what}"));
    }

    /// Once is enough: regions find again what is wrong with what they inherit.
    fn note(&self, line: String) {
        let mut lines = self.0.borrow_mut();
        if !lines.contains(&line) {
            lines.push(line);
        }
    }

    /// One error for all of them.
    pub(super) fn result(self) -> Result<()> {
        match self.0.into_inner().as_slice() {
            [] => Ok(()),
            [one] => Err(Error::config(format!("the configuration has a mistake:\n  {one}"))),
            all => Err(Error::config(format!(
                "the configuration has {} mistakes:\n  {}",
                all.len(),
                all.join("\n  ")
            ))),
        }
    }
}
