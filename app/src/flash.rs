//! Carries the outcome of a form over to the next page that is shown, and holds the message at the top of the page.
//!
//! A form that is sent without scripts answers with a redirect (post/redirect/get). Until the browser asks for the page
//! it is sent to, the outcome waits on the server, sealed (J11); that page shows it once. This module reads it there
//! and hands it to the form that it belongs to. What an outcome is stands in `outcome`, its texts in `messages`.

use leptos::prelude::*;
use policy::{Field, Refusal};

use crate::{
    Problem, messages,
    outcome::{Done, Flash, FormName, Outcome},
};

/// The flash of the page that is shown, until it is used up.
#[derive(Clone, Copy)]
pub(crate) struct Flashed(RwSignal<Option<Flash>>);

impl Flashed {
    /// Takes the flash from what the page knows of its request.
    pub(crate) fn provide(flash: Option<Flash>) -> Self {
        let flashed = Self(RwSignal::new(flash));
        provide_context(flashed);
        flashed
    }

    /// What a form did that was sent without scripts.
    pub(crate) fn done(self, form: FormName) -> Option<Done> {
        self.0.with(|flash| {
            let flash = flash.as_ref().filter(|flash| flash.form == form)?;
            flash.outcome.as_ref().ok().cloned()
        })
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
            Flash { outcome: Ok(done), .. } => Notice::done_unless_shown(done),
            Flash { who: Some(name), .. } => Some(Notice {
                is_problem: true,
                text: messages::another(name),
            }),
            // The form asks for the password beside it.
            Flash {
                outcome: Err(problem), ..
            } if problem.field() == Some(Field::CurrentPassword) => None,
            Flash {
                form:
                    FormName::ChangeRole
                    | FormName::Remove
                    | FormName::RemoveExternals
                    | FormName::Invitation
                    | FormName::Sessions
                    | FormName::RemoveSshKey
                    | FormName::RevokeKey
                    | FormName::RegenerateKey
                    | FormName::DeleteResource,
                outcome: Err(problem),
                ..
            } => Some(Notice::problem(*problem)),
            // The key is over or gone, or not theirs to change: its dialog does not open again.
            Flash {
                form: FormName::KeyExpiration | FormName::RotateKey,
                outcome:
                    Err(problem @ Problem::Refused(Refusal::KeyOver | Refusal::ManageKeyForAdmins | Refusal::Hidden)),
                ..
            }
            | Flash {
                form: FormName::RotateKey,
                outcome: Err(problem @ Problem::Refused(Refusal::KeyRotated)),
                ..
            } => Some(Notice::problem(*problem)),
            // Who may not do it has no form on the page that could say so.
            Flash {
                outcome: Err(problem @ Problem::Refused(Refusal::OwnerOnly | Refusal::Forbidden(_))),
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
    /// The text.
    pub(crate) text: String,
}

impl Notice {
    /// What was done, except where a dialog says it, with a link to copy.
    fn done_unless_shown(done: &Done) -> Option<Self> {
        let is_shown = matches!(
            done,
            Done::Invited { .. } | Done::InvitationResent { .. } | Done::KeyMade { .. } | Done::SignUpMailed { .. }
        );
        (!is_shown).then(|| Self::done(done))
    }

    pub(crate) fn done(done: &Done) -> Self {
        Self {
            is_problem: false,
            text: messages::done(done),
        }
    }

    /// What came of a form, whichever it was.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Ok(done) => Self::done(done),
            Err(problem) => Self::problem(*problem),
        }
    }

    pub(crate) fn problem(problem: Problem) -> Self {
        Self {
            is_problem: true,
            text: messages::problem(problem),
        }
    }
}

/// The message at the top of the page, if there is one.
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
