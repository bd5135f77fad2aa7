//! The forms of the collaborators screen, which its files share through the context.

use leptos::prelude::*;

use crate::{
    api::collaborators::{AddCollaborator, ChangeCollaboratorRole, RemoveCollaborator, SetCollaboratorEndDate},
    components::FormSender,
};

/// One sender for each server function that changes a collaborator.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub(super) add: FormSender,
    pub(super) change_role: FormSender,
    pub(super) remove: FormSender,
    pub(super) end_date: FormSender,
}

impl Actions {
    /// Puts them into the context of the screen.
    pub(super) fn provide() {
        provide_context(Self {
            add: FormSender::to::<AddCollaborator>(),
            change_role: FormSender::to::<ChangeCollaboratorRole>(),
            remove: FormSender::to::<RemoveCollaborator>(),
            end_date: FormSender::to::<SetCollaboratorEndDate>(),
        });
    }
}
