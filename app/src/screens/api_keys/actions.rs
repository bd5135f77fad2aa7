//! The forms of the API keys screen, which its files share through the context.

use leptos::prelude::*;

use crate::{
    api::api_keys::{CreateApiKey, RegenerateDefaultKey, RevokeApiKey, RotateApiKey, SetApiKeyExpiration},
    components::FormSender,
};

/// One sender for each server function that changes a key.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub(super) create: FormSender,
    pub(super) expiration: FormSender,
    pub(super) rotate: FormSender,
    pub(super) revoke: FormSender,
    pub(super) regenerate: FormSender,
}

impl Actions {
    /// Puts them into the context of the screen.
    pub(super) fn provide() {
        provide_context(Self {
            create: FormSender::to::<CreateApiKey>(),
            expiration: FormSender::to::<SetApiKeyExpiration>(),
            rotate: FormSender::to::<RotateApiKey>(),
            revoke: FormSender::to::<RevokeApiKey>(),
            regenerate: FormSender::to::<RegenerateDefaultKey>(),
        });
    }
}
