//! Nobody listens.

use crate::session::{Rejection, SessionId, Unreadable};

#[derive(Debug, Clone, Default)]
pub(in super::super) struct Events(());

impl Events {
    pub(in super::super) fn loading(&self) -> impl Sized + use<> {}

    pub(in super::super) fn saving(&self, _: &SessionId) -> impl Sized + use<> {}

    pub(in super::super) fn loaded(&self, _: &SessionId) {}

    pub(in super::super) fn unreadable(&self, _: &SessionId, _: &Unreadable) {}

    pub(in super::super) fn saved(&self, _: &SessionId) {}

    pub(in super::super) fn touched(&self, _: &SessionId) {}

    pub(in super::super) fn conflict(&self, _: &SessionId) {}

    pub(in super::super) fn dropped(&self, _: &SessionId) {}

    pub(in super::super) fn too_many(&self, _: &SessionId) {}

    pub(in super::super) fn rejected(&self, _: Rejection) {}
}
