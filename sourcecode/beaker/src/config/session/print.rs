//! Prints the options of sessions.

use std::time::Duration;

use super::{CookieFormat, FORMATS, Place, SERIALIZERS, STORE_FAILURES, SessionConfig};
use crate::config::print::Lines;
use crate::config::words::{chosen, in_seconds_or_never};
use crate::session::DEFAULT_PER_USER;

impl SessionConfig {
    pub(in crate::config) fn print(&self, lines: &mut Lines) {
        match &self.place {
            Place::Cookie => lines.option("session.type", "cookie", ""),
            Place::Backend(backend) => {
                let is_in_folder = backend.option("data_dir").is_some();
                let default = if is_in_folder { "file" } else { "memory" };
                for (option, value, default) in backend.printed(default) {
                    lines.option(&format!("session.{option}"), value, default.unwrap_or_default());
                }
                lines.option("session.grace", self.grace.as_secs(), "0");
                let default = DEFAULT_PER_USER.to_string();
                lines.option("session.max_per_user", self.max_per_user, &default);
                if let Some(time) = self.local_tier {
                    lines.option("session.local_tier", time.as_secs(), "");
                    let capacity = self.local_tier_capacity;
                    lines.option("session.local_tier_capacity", capacity, "10000");
                }
            }
        }
        lines.option("session.timeout", in_seconds_or_never(self.timeout), "never");
        lines.option("session.lifetime", in_seconds_or_never(self.lifetime), "never");
        let touch_every = self.touch_every.as_ref().map(Duration::as_secs);
        let touch_every = touch_every.map(|seconds| seconds.to_string());
        lines.optional("session.touch_every", touch_every.as_deref());
        lines.option("session.save_accessed_time", self.save_accessed_time, "true");
        lines.option("session.auto", self.auto, "false");
        self.cookie.print(lines);
        lines.option("session.remove_rejected", self.remove_rejected, "true");
        let then = chosen(self.on_store_failure, &STORE_FAILURES);
        lines.option("session.on_store_failure", then, "fail");
        lines.option("session.cookie_format", chosen(self.cookie_format, &FORMATS), "own");
        let is_json = self.is_in_cookies() && self.cookie_format == CookieFormat::Beaker;
        let default = if is_json { "json" } else { "bincode" };
        lines.option(
            "session.data_serializer",
            chosen(self.data_serializer, &SERIALIZERS),
            default,
        );
        lines.secret("session.secret", self.secret.as_ref());
        lines.secret("session.validate_key", self.validate_key.as_ref());
        lines.secret("session.encrypt_key", self.encrypt_key.as_ref());
    }
}
