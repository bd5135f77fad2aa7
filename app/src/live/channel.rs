//! The messages between the tabs of a browser, and the choice of the leading tab: a `BroadcastChannel` and a lock (Web
//! Locks).
//!
//! Owns both. Must not know what is followed or what events mean. Browsers have locks only on secure connections;
//! without them each tab leads itself.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

/// The name of the channel, and of the lock that the leading tab holds.
const NAME: &str = "roster-live";

/// A message from one tab to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// This tab follows this topic. For the leading tab.
    Follow { tab: String, topic: String },
    /// This tab follows nothing any more.
    Leave { tab: String },
    /// The leading tab asks all tabs what they follow.
    Who,
    /// Something about this topic changed; an empty topic stands for all topics.
    Changed { topic: String },
    /// Access to this topic has ended.
    Gone { topic: String },
}

impl Message {
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

/// Returns the browser's lock manager and its `request` function; `None` if the browser has none.
fn locks() -> Option<(JsValue, Function)> {
    let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    let request = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    Some((locks, request))
}

/// The channel to the other tabs; none if each tab leads itself.
pub(super) struct Channel(Option<BroadcastChannel>);

impl Channel {
    /// Opens the channel; `hear` is called with each message of another tab.
    pub(super) fn open(hear: impl Fn(Message) + 'static) -> Self {
        let channel = locks().and_then(|_| BroadcastChannel::new(NAME).ok());
        let Some(channel) = channel else { return Self(None) };
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(message) = event.data().as_string().as_deref().and_then(Message::read) {
                hear(message);
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // Never freed: it lives as long as the page.
        on_message.forget();
        Self(Some(channel))
    }

    /// Sends a message to all other tabs.
    pub(super) fn say(&self, message: &Message) {
        if let Some(channel) = &self.0 {
            drop(channel.post_message(&JsValue::from_str(&message.write())));
        }
    }
}

/// This tab's request for the lead, and the lead itself, until it is given up.
#[derive(Clone, Default)]
pub(super) struct Lead(Rc<RefCell<State>>);

#[derive(Default)]
enum State {
    /// Not requested.
    #[default]
    Idle,
    /// Requested, while another tab leads.
    Waiting,
    /// Given up while another tab led; the request is still in the browser's queue.
    GivenUp,
    /// This tab leads. Calling the function releases the lock.
    Leading(Option<Function>),
}

impl Lead {
    /// Requests the lead. Calls `begin` once this tab has it.
    pub(super) fn wish(&self, begin: impl Fn() + 'static) {
        match &mut *self.0.borrow_mut() {
            State::Leading(_) | State::Waiting => return,
            // The earlier request is still in the queue.
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
            // The lock is held until this promise is resolved.
            let held = Promise::new(&mut |end, _| drop(own.0.replace(State::Leading(Some(end)))));
            begin();
            held.into()
        });
        match locks() {
            Some((locks, request)) => drop(request.call2(&locks, &NAME.into(), &granted)),
            None => drop(granted.unchecked_into::<Function>().call0(&JsValue::UNDEFINED)),
        }
    }

    /// Gives the lead or the request up.
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

    /// Returns whether this tab leads.
    pub(super) fn is_held(&self) -> bool {
        matches!(*self.0.borrow(), State::Leading(_))
    }
}
