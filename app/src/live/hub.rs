//! One event stream for all tabs of a browser. The visible tabs tell each other what they follow; one of them leads,
//! keeps one stream open for all of that, and passes its events on. A hidden tab follows nothing.
//!
//! A stream that ends is opened again after a pause that grows, whatever the answer was. Events of the time between are
//! lost, so then every page loads its data again.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use gloo_net::http::{Method, RequestBuilder};
use leptos::{
    leptos_dom::helpers::{TimeoutHandle, set_timeout_with_handle, window_event_listener_untyped},
    prelude::*,
    task::spawn_local,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Event, EventSource, MessageEvent};

use super::channel::{Channel, Lead, Message};

/// What a page is told about what it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Something about it, or about the person, changed.
    Changed,
    /// Access to it has ended.
    Gone,
}

/// How long a hidden tab keeps its place: a person who returns at once loses nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// If a tab gets the lead within this time, in milliseconds, no other tab led before.
const AT_ONCE: f64 = 500.0;
/// How long the leader waits to follow several topics by one request.
const TOGETHER: Duration = Duration::from_millis(50);
/// The first pause before a stream is opened again. Each later pause is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The most topics that the server follows by one stream.
const MOST_FOLLOWED: usize = 32;

type Listener = Box<dyn Fn(News)>;

/// This tab's part in the shared stream.
pub(crate) struct Hub {
    /// The name of this tab among the tabs.
    tab: String,
    channel: Channel,
    lead: Lead,
    /// The topic that this tab follows.
    topic: RefCell<Option<String>>,
    /// When it began to follow it, in milliseconds.
    since: Cell<f64>,
    listener: RefCell<Option<Listener>>,
    /// Whether the tab is hidden and has given its place up.
    is_away: Cell<bool>,
    leaving: Cell<Option<TimeoutHandle>>,
    /// While this tab leads: the topic of each tab.
    tabs: RefCell<BTreeMap<String, String>>,
    stream: RefCell<Option<Stream>>,
    opening: Cell<Option<TimeoutHandle>>,
    /// How many times in a row the stream was refused.
    failures: Cell<u32>,
    /// Whether events may have been lost.
    has_gap: Cell<bool>,
}

thread_local! {
    static HUB: Rc<Hub> = Rc::new(Hub::open());
}

impl Hub {
    /// Returns the hub of this page.
    pub(crate) fn of_this_page() -> Rc<Self> {
        HUB.with(Rc::clone)
    }

    fn open() -> Self {
        // Never removed: they live as long as the page.
        window_event_listener_untyped("visibilitychange", |_| Self::of_this_page().look());
        window_event_listener_untyped("pageshow", |_| Self::of_this_page().look());
        window_event_listener_untyped("pagehide", |_| Self::of_this_page().leave());
        Self {
            tab: js_sys::Math::random().to_string(),
            channel: Channel::open(|message| Self::of_this_page().hear(message)),
            lead: Lead::default(),
            topic: RefCell::default(),
            since: Cell::default(),
            listener: RefCell::default(),
            is_away: Cell::new(document().hidden()),
            leaving: Cell::default(),
            tabs: RefCell::default(),
            stream: RefCell::default(),
            opening: Cell::default(),
            failures: Cell::default(),
            has_gap: Cell::default(),
        }
    }

    /// Sets the function that is called with the events of the followed topic.
    pub(crate) fn listen(&self, listener: impl Fn(News) + 'static) {
        self.listener.replace(Some(Box::new(listener)));
    }

    /// Follows this topic in place of the one before; `None` follows nothing.
    pub(crate) fn follow(&self, topic: Option<String>) {
        if *self.topic.borrow() != topic {
            self.topic.replace(topic);
            self.join();
        }
    }

    /// Tells the other tabs what this tab follows, and requests the lead if it follows something.
    fn join(&self) {
        let topic = self.topic.borrow().clone().filter(|_| !self.is_away.get());
        let tab = self.tab.clone();
        let Some(topic) = topic else {
            self.channel.say(&Message::Leave { tab });
            self.give_up();
            return;
        };
        self.since.set(js_sys::Date::now());
        self.note(&tab, Some(&topic));
        self.channel.say(&Message::Follow { tab, topic });
        self.lead.wish(|| Self::of_this_page().begin());
    }

    /// Begins to lead.
    fn begin(&self) {
        // A tab that had to wait relied on the stream of another, which has ended.
        self.has_gap.set(js_sys::Date::now() - self.since.get() > AT_ONCE);
        let topic = self.topic.borrow().clone();
        self.note(&self.tab, topic.as_deref());
        self.channel.say(&Message::Who);
    }

    fn give_up(&self) {
        self.lead.give_up();
        self.tabs.borrow_mut().clear();
        self.stream.replace(None);
        self.failures.set(0);
        if let Some(opening) = self.opening.take() {
            opening.clear();
        }
    }

    /// If this tab leads, stores the topic of a tab.
    fn note(&self, tab: &str, topic: Option<&str>) {
        if !self.lead.is_held() {
            return;
        }
        match topic {
            Some(topic) => drop(self.tabs.borrow_mut().insert(tab.to_owned(), topic.to_owned())),
            None => drop(self.tabs.borrow_mut().remove(tab)),
        }
        self.open_after(TOGETHER);
    }

    fn hear(&self, message: Message) {
        match message {
            Message::Follow { tab, topic } => self.note(&tab, Some(&topic)),
            Message::Leave { tab } => self.note(&tab, None),
            Message::Who => {
                let topic = self.topic.borrow().clone().filter(|_| !self.is_away.get());
                if let Some(topic) = topic {
                    let tab = self.tab.clone();
                    self.channel.say(&Message::Follow { tab, topic });
                }
            }
            Message::Changed { topic } => self.deliver(News::Changed, &topic),
            Message::Gone { topic } => self.deliver(News::Gone, &topic),
        }
    }

    /// Passes an event to this page, if it is about its topic or about all topics.
    fn deliver(&self, news: News, topic: &str) {
        let is_own = self
            .topic
            .borrow()
            .as_deref()
            .is_some_and(|own| topic.is_empty() || own == topic);
        if is_own && let Some(listener) = &*self.listener.borrow() {
            listener(news);
        }
    }

    /// Passes an event to all tabs.
    fn pass_on(&self, news: News, topic: &str) {
        let topic = topic.to_owned();
        self.deliver(news, &topic);
        self.channel.say(&match news {
            News::Changed => Message::Changed { topic },
            News::Gone => Message::Gone { topic },
        });
    }

    /// Handles that the tab became visible or hidden.
    fn look(&self) {
        if document().hidden() {
            let leaving = set_timeout_with_handle(|| Self::of_this_page().leave(), PATIENCE);
            self.leaving.set(leaving.ok());
            return;
        }
        if let Some(leaving) = self.leaving.take() {
            leaving.clear();
        }
        if self.is_away.replace(false) {
            self.join();
            // It missed the events of the time between.
            self.deliver(News::Changed, "");
        }
    }

    fn leave(&self) {
        if !self.is_away.replace(true) {
            self.join();
        }
    }

    fn open_after(&self, pause: Duration) {
        let opening = set_timeout_with_handle(|| Self::of_this_page().open_stream(), pause);
        if let Some(earlier) = self.opening.replace(opening.ok()) {
            earlier.clear();
        }
    }

    /// Opens the stream for the topics of all tabs, unless it is open.
    fn open_stream(&self) {
        if !self.lead.is_held() {
            return;
        }
        let topics: BTreeSet<_> = self.tabs.borrow().values().cloned().collect();
        let topics: Vec<_> = topics.into_iter().take(MOST_FOLLOWED).collect();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for topic in &topics {
            query.append_pair("follow", topic);
        }
        let path = format!("/events?{}", query.finish());
        let is_open = self.stream.borrow().as_ref().is_some_and(|stream| stream.path == path);
        if topics.is_empty() {
            self.stream.replace(None);
            // Events that were lost don't matter: a tab that follows a topic from now on has just loaded it.
            self.has_gap.set(false);
        } else if !is_open {
            // The old stream stays open until the new one is, so that no event is lost.
            let before = self.stream.take().map(|stream| stream.source);
            self.stream.replace(Stream::open(path, topics, before));
        }
    }

    /// Handles that the stream was opened, for the first time or again.
    fn opened(&self) {
        self.failures.set(0);
        if self.has_gap.replace(false) {
            self.pass_on(News::Changed, "");
        }
    }

    /// Handles that access to a topic has ended: nobody follows it any more.
    fn lost(&self, topic: &str) {
        self.tabs.borrow_mut().retain(|_, followed| followed != topic);
        self.pass_on(News::Gone, topic);
        self.open_after(TOGETHER);
    }

    /// Handles that a stream ended in a way after which the browser does not open it again.
    fn refused(&self, path: &str) {
        // A stream that was replaced may end.
        if self.stream.borrow().as_ref().is_none_or(|stream| stream.path != path) {
            return;
        }
        let Some(stream) = self.stream.take() else { return };
        self.has_gap.set(true);
        let failures = self.failures.get();
        self.failures.set(failures.saturating_add(1));
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(failures.min(16));
        // Random, so that not all browsers return at once.
        self.open_after(pause.min(LONGEST_PAUSE).mul_f64(0.75 + js_sys::Math::random() / 2.0));
        // An `EventSource` does not tell the status, so a HEAD request asks for it.
        spawn_local(async move {
            let Ok(answer) = RequestBuilder::new(&stream.path).method(Method::HEAD).send().await else {
                return;
            };
            let status = answer.status();
            let kind = answer.headers().get("content-type").unwrap_or_default();
            // Reads the body, which is empty: a response that is dropped unread is aborted.
            drop(answer.text().await);
            // A proxy may answer anything; Roster's own errors are problems (RFC 9457).
            if !kind.starts_with("application/problem+json") {
                return;
            }
            let hub = Self::of_this_page();
            match status {
                // Loading again then leads the person to the sign-in page.
                401 => hub.pass_on(News::Changed, ""),
                404 => stream.topics.iter().for_each(|topic| hub.lost(topic)),
                _ => {}
            }
        });
    }
}

/// An open stream. Dropping it closes it.
struct Stream {
    path: String,
    topics: Vec<String>,
    source: Source,
}

/// A connection with its event handlers.
struct Source {
    events: EventSource,
    _heard: [Closure<dyn Fn(MessageEvent)>; 2],
    _state: [Closure<dyn Fn(Event)>; 2],
}

impl Drop for Source {
    fn drop(&mut self) {
        self.events.close();
    }
}

impl Stream {
    /// Opens the stream; closes `before` once it is open.
    fn open(path: String, topics: Vec<String>, before: Option<Source>) -> Option<Self> {
        let events = EventSource::new(&path).ok()?;
        let hub = Hub::of_this_page;
        let text = |event: &MessageEvent| event.data().as_string().unwrap_or_default();
        let changed = Closure::new(move |event: MessageEvent| {
            let topic = text(&event);
            hub().pass_on(News::Changed, if topic == "session" { "" } else { &topic });
        });
        let gone = Closure::new(move |event: MessageEvent| hub().lost(&text(&event)));
        let before = RefCell::new(before);
        let opened = Closure::new(move |_: Event| {
            before.replace(None);
            hub().opened();
        });
        let (source, own) = (events.clone(), path.clone());
        let ended = Closure::new(move |_: Event| {
            if source.ready_state() == EventSource::CLOSED {
                hub().refused(&own);
            } else {
                // The browser opens it again by itself.
                hub().has_gap.set(true);
            }
        });
        let listen = |kind, heard: &Closure<dyn Fn(MessageEvent)>| {
            drop(events.add_event_listener_with_callback(kind, heard.as_ref().unchecked_ref()));
        };
        listen("changed", &changed);
        listen("gone", &gone);
        events.set_onopen(Some(opened.as_ref().unchecked_ref()));
        events.set_onerror(Some(ended.as_ref().unchecked_ref()));
        Some(Self {
            path,
            topics,
            source: Source {
                events,
                _heard: [changed, gone],
                _state: [opened, ended],
            },
        })
    }
}
