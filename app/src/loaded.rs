//! What a screen has loaded, for the parts of the screen that show it. How it is loaded is in `load`.

use leptos::prelude::*;

/// What a screen shows, as it is now.
pub(crate) struct Loaded<T: Send + Sync + 'static> {
    /// The answer; none until the first one came.
    pub(crate) value: RwSignal<Option<T>>,
    /// Changes when the screen is to be loaded again.
    pub(crate) again: RwSignal<u32>,
    /// Whether the heading gets the focus with the next answer.
    pub(crate) then_heading: StoredValue<bool>,
    /// Whether a newer answer is under way.
    pub(crate) busy: RwSignal<bool>,
}

impl<T: Send + Sync + 'static> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loaded<T> {}

impl<T: Send + Sync + 'static> Loaded<T> {
    /// Reads a part of it; follows changes.
    pub(crate) fn with<R: Default>(self, read: impl FnOnce(&T) -> R) -> R {
        self.value.with(|value| value.as_ref().map(read).unwrap_or_default())
    }

    /// Reads a part of it as it is now; does not follow changes.
    pub(crate) fn peek<R: Default>(self, read: impl FnOnce(&T) -> R) -> R {
        self.value
            .with_untracked(|value| value.as_ref().map(read).unwrap_or_default())
    }

    /// Once something newer is shown, the heading gets the focus: what has it now will be gone.
    pub(crate) fn then_focus_heading(self) {
        self.then_heading.set_value(true);
    }

    /// Asks again.
    pub(crate) fn reload(self) {
        self.again.update(|n| *n = n.wrapping_add(1));
    }
}
