//! What to tell after a form was sent: with scripts it comes back as the answer; without, it waits in a cookie for the page
//! that the answer redirects to (post/redirect/get), which shows it once.
//!
//! Holds codes and what was typed, never markup or words; nothing in it is trusted.

use leptos::{prelude::*, server_fn::ServerFn};
use policy::ProjectRole;
use serde::{Deserialize, Serialize};

use crate::{Problem, words};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Signed in, or up.
    SignedIn,
    /// Signed out.
    SignedOut,
    /// Somebody was added (C2).
    Added {
        /// Their name.
        name: String,
    },
    /// Somebody's role was changed (C5).
    RoleChanged {
        /// Their name.
        name: String,
        /// Their role now.
        role: ProjectRole,
    },
    /// Somebody was removed (C6).
    Removed {
        /// Their name.
        name: String,
    },
    /// The person left (C7).
    Left,
    /// An end was given to somebody's access (C8).
    EndDateSet {
        /// Their name.
        name: String,
    },
    /// The end of somebody's access was taken away (C8).
    EndDateCleared {
        /// Their name.
        name: String,
    },
    /// Settings were saved; the project's slug now.
    Saved {
        /// The slug to go on with.
        slug: String,
    },
    /// The external collaborators were removed (X1).
    ExternalsRemoved {
        /// How many.
        count: u64,
    },
    /// The password was changed.
    PasswordChanged,
}

/// What came of a form. A refusal is an outcome like another: a script is told it as one, so that a person's slip is no
/// error in their browser's console; a program gets its status (see `gate::answer`).
pub type Outcome = Result<Done, Problem>;

/// The forms of the console; each shows its own outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormName {
    /// Signing in.
    SignIn,
    /// Signing up.
    SignUp,
    /// Adding a collaborator.
    AddCollaborator,
    /// Changing a collaborator's role.
    ChangeRole,
    /// Removing a collaborator, or leaving.
    Remove,
    /// Setting the end of a collaborator's access.
    EndDate,
    /// A project's settings.
    ProjectSettings,
    /// Removing all externals.
    RemoveExternals,
    /// Changing one's password.
    Password,
}

/// The outcome of a form that was sent without scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Which form.
    pub form: FormName,
    /// What came of it.
    pub outcome: Outcome,
    /// What was typed, so that it is kept (N3). Never a password.
    pub typed: Vec<(String, String)>,
}

/// What came of a form that was sent with scripts.
pub(crate) fn outcome<S>(action: ServerAction<S>) -> Signal<Option<Outcome>>
where
    S: ServerFn<Output = Outcome, Error = Problem> + Clone + Send + Sync + 'static,
{
    let value = action.value();
    Signal::derive(move || value.get().map(Result::flatten))
}

/// The flash of the page that is shown, until it is used up.
#[derive(Clone, Copy)]
pub(crate) struct Flashed(RwSignal<Option<Flash>>);

impl Flashed {
    /// Takes the flash from the request that is being answered, and lets the browser's copy of the page know it.
    pub(crate) fn provide() -> Self {
        #[cfg(feature = "ssr")]
        let read = crate::gate::flash;
        #[cfg(not(feature = "ssr"))]
        let read = || None;
        let flash: Option<Flash> = SharedValue::new(read).into_inner();
        let flashed = Self(RwSignal::new(flash));
        provide_context(flashed);
        flashed
    }

    /// The problem of a form that was sent without scripts.
    pub(crate) fn problem(self, form: FormName) -> Option<Problem> {
        self.0.with(|flash| {
            flash
                .as_ref()
                .filter(|flash| flash.form == form)?
                .outcome
                .as_ref()
                .err()
                .copied()
        })
    }

    /// What was typed into a field of a form that was sent without scripts.
    pub(crate) fn typed(self, form: FormName, field: &str) -> Option<String> {
        self.0.with_untracked(|flash| {
            let flash = flash.as_ref().filter(|flash| flash.form == form)?;
            flash
                .typed
                .iter()
                .find(|(name, _)| name == field)
                .map(|(_, value)| value.clone())
        })
    }

    /// The message for the top of the page: what was done, or a problem that no form on the page shows itself.
    fn notice(self) -> Option<Notice> {
        self.0.with_untracked(|flash| match flash.as_ref()? {
            Flash { outcome: Ok(done), .. } => Some(Notice::done(done)),
            Flash {
                form: FormName::ChangeRole | FormName::Remove | FormName::RemoveExternals,
                outcome: Err(problem),
                ..
            } => Some(Notice::problem(*problem)),
            Flash { .. } => None,
        })
    }

    /// Forgets it: a dialog was closed, a form was sent again.
    pub(crate) fn clear(self) {
        self.0.set(None);
    }
}

/// A message about something that just happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Whether it is about a problem.
    pub(crate) is_problem: bool,
    /// The words.
    pub(crate) text: String,
}

impl Notice {
    pub(crate) fn done(done: &Done) -> Self {
        Self {
            is_problem: false,
            text: words::done(done),
        }
    }

    pub(crate) fn problem(problem: Problem) -> Self {
        Self {
            is_problem: true,
            text: words::problem(problem),
        }
    }
}

/// The place at the top of the page where messages appear.
#[derive(Clone, Copy)]
pub(crate) struct Notices {
    shown: RwSignal<Option<Notice>>,
    /// Whether the message was shown on the way to the page that is now opening, rather than on the one that is left.
    is_fresh: StoredValue<bool>,
}

impl Notices {
    pub(crate) fn provide(flashed: Flashed) {
        provide_context(Self {
            shown: RwSignal::new(flashed.notice()),
            is_fresh: StoredValue::new(false),
        });
    }

    /// The message now.
    pub(crate) fn get(self) -> Option<Notice> {
        self.shown.get()
    }

    /// Shows a message, on this page.
    pub(crate) fn show(self, notice: Notice) {
        self.shown.set(Some(notice));
    }

    /// Shows a message, on the page that is opened next.
    pub(crate) fn show_on_next(self, notice: Notice) {
        self.is_fresh.set_value(true);
        self.shown.set(Some(notice));
    }

    /// Takes the message away.
    pub(crate) fn dismiss(self) {
        self.shown.set(None);
    }

    /// Takes a message away that was about the page that is left.
    pub(crate) fn turn_page(self) {
        if self.is_fresh.get_value() {
            self.is_fresh.set_value(false);
        } else {
            self.dismiss();
        }
    }
}
