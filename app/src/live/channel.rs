//! What the tabs of a browser tell each other, and which of them leads: a `BroadcastChannel` and a lock (Web Locks).
//! Browsers have locks only where the connection is secure; without them each tab leads itself.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

/// The name of the channel, and of the lock of who leads.
const NAME: &str = "roster-live";

/// What one tab tells the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A tab follows this; to whoever leads.
    Follow { tab: String, topic: String },
    /// A tab follows nothing any more.
    Leave { tab: String },
    /// Who leads wants to know who follows what.
    Who,
    /// Something about this changed; about everything, if it is empty.
    Changed { topic: String },
    /// There is no access to this any more.
    Gone { topic: String },
}

impl Word {
    fn write(&self) -> String {
        match self {
            Self::Follow { tab, topic } => format!("follow {tab} {topic}"),
            Self::Leave { tab } => format!("leave {tab} "),
            Self::Who => "who  ".to_owned(),
            Self::Changed { topic } => format!("changed  {topic}"),
            Self::Gone { topic } => format!("gone  {topic}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ').map(ToOwned::to_owned);
        let (kind, tab, topic) = (parts.next()?, parts.next()?, parts.next()?);
        Some(match &*kind {
            "follow" => Self::Follow { tab, topic },
            "leave" => Self::Leave { tab },
            "who" => Self::Who,
            "changed" => Self::Changed { topic },
            "gone" => Self::Gone { topic },
            _ => return None,
        })
    }
}

/// The browser's locks, and the function that asks for one; none where there are none.
fn locks() -> Option<(JsValue, Function)> {
    let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    let request = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    Some((locks, request))
}

/// The way to the other tabs; none where each leads itself.
pub(super) struct Channel(Option<BroadcastChannel>);

impl Channel {
    /// Opens it; `hear` is told what others say.
    pub(super) fn open(hear: impl Fn(Word) + 'static) -> Self {
        let channel = locks().and_then(|_| BroadcastChannel::new(NAME).ok());
        let Some(channel) = channel else { return Self(None) };
        let told = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(word) = event.data().as_string().as_deref().and_then(Word::read) {
                hear(word);
            }
        });
        channel.set_onmessage(Some(told.as_ref().unchecked_ref()));
        // For as long as the page is there.
        told.forget();
        Self(Some(channel))
    }

    /// Tells all other tabs.
    pub(super) fn say(&self, word: &Word) {
        if let Some(channel) = &self.0 {
            drop(channel.post_message(&JsValue::from_str(&word.write())));
        }
    }
}

/// The wish to lead, and leading, until it is given up.
#[derive(Clone, Default)]
pub(super) struct Lead(Rc<RefCell<State>>);

#[derive(Default)]
enum State {
    /// Not wished for.
    #[default]
    Idle,
    /// Another tab leads.
    Waiting,
    /// Wished for no more while another tab led.
    GivenUp,
    /// This one leads; ends it.
    Leading(Option<Function>),
}

impl Lead {
    /// Wishes to lead. `begin` is called once no other tab does.
    pub(super) fn wish(&self, begin: impl Fn() + 'static) {
        match &mut *self.0.borrow_mut() {
            State::Leading(_) | State::Waiting => return,
            // The wish of before is still in the queue.
            state @ State::GivenUp => {
                *state = State::Waiting;
                return;
            }
            state @ State::Idle => *state = State::Waiting,
        }
        let own = self.clone();
        let granted = Closure::once_into_js(move |_: JsValue| -> JsValue {
            if matches!(*own.0.borrow(), State::GivenUp) {
                own.0.replace(State::Idle);
                return JsValue::UNDEFINED;
            }
            // Held until the promise is kept.
            let held = Promise::new(&mut |end, _| drop(own.0.replace(State::Leading(Some(end)))));
            begin();
            held.into()
        });
        match locks() {
            Some((locks, request)) => drop(request.call2(&locks, &NAME.into(), &granted)),
            None => drop(granted.unchecked_into::<Function>().call0(&JsValue::UNDEFINED)),
        }
    }

    /// Leads no more.
    pub(super) fn give_up(&self) {
        let state = self.0.replace(State::Idle);
        match state {
            State::Idle => {}
            State::Waiting | State::GivenUp => drop(self.0.replace(State::GivenUp)),
            State::Leading(end) => {
                if let Some(end) = end {
                    drop(end.call0(&JsValue::UNDEFINED));
                }
            }
        }
    }

    /// Whether this tab leads.
    pub(super) fn is_held(&self) -> bool {
        matches!(*self.0.borrow(), State::Leading(_))
    }
}
