//! What is to be done about a session: decided here, with no store in sight, and done elsewhere.

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Nothing was said: the request ended.
    Leave,
    Save,
    Delete,
}

/// What there is to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) intent: Intent,
    /// Has anything changed since it was loaded?
    pub(super) modified: bool,
    /// Is it stored nowhere yet?
    pub(super) is_new: bool,
    /// Save what changed without being asked: Beaker's `auto`.
    pub(super) auto: bool,
    /// Keep the time of the last access: Beaker's `save_accessed_time`.
    pub(super) save_accessed_time: bool,
    /// It is kept in the cookie, and an old key made that.
    pub(super) is_renewal_due: bool,
}

impl Facts {
    fn wants_a_touch(self) -> bool {
        self.save_accessed_time || self.is_renewal_due
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Nothing,
    /// Note the access, unless somebody else has written since.
    Touch,
    Write,
    Delete,
}

pub(super) fn plan(facts: Facts) -> Plan {
    match facts.intent {
        Intent::Delete => Plan::Delete,
        Intent::Save => Plan::Write,
        Intent::Leave if facts.auto && facts.modified => Plan::Write,
        // A visitor who only looked is given no session.
        Intent::Leave if facts.is_new => Plan::Nothing,
        Intent::Leave if facts.wants_a_touch() => Plan::Touch,
        Intent::Leave => Plan::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Intent::*;
        // intent, modified, new, auto, atime
        let rows = [
            ((Delete, false, false, false, false), Plan::Delete),
            ((Delete, true, true, true, true), Plan::Delete),
            ((Save, false, false, false, false), Plan::Write),
            ((Save, true, true, false, true), Plan::Write),
            ((Leave, true, true, true, false), Plan::Write),
            ((Leave, true, false, true, true), Plan::Write),
            ((Leave, false, true, true, true), Plan::Nothing),
            ((Leave, false, false, true, true), Plan::Touch),
            ((Leave, true, false, false, true), Plan::Touch),
            ((Leave, true, true, false, true), Plan::Nothing),
            ((Leave, true, false, false, false), Plan::Nothing),
            ((Leave, false, false, true, false), Plan::Nothing),
        ];
        for ((intent, modified, is_new, auto, save_accessed_time), wanted) in rows {
            let facts =
                Facts { intent, modified, is_new, auto, save_accessed_time, is_renewal_due: false };
            assert_eq!(plan(facts), wanted, "{facts:?}");
            let renewed = plan(Facts { is_renewal_due: true, ..facts });
            let by_renewal = if is_new { wanted } else { Plan::Touch };
            assert_eq!(renewed, if wanted == Plan::Nothing { by_renewal } else { wanted });
        }
    }
}
