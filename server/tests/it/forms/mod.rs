//! Forms (N1, N3): without scripts a redirect, with a message that the next page shows once; with them a JSON answer.
//! What was typed is kept, and a password never is.

mod done;
mod entering;
mod refused;

use axum::http::header;

use crate::test_app::{Answer, Ask, Manner, TestApp, Who};

const LIST: &str = "/settings/projects/ml-research/collaborators";

const KEYS: &str = "/settings/projects/ml-research/api-keys";

const NEW_SECRET: &str = "/settings/projects/ml-research/api-keys?dialog=secret";

/// The page of [`CLUSTER`].
const CLUSTER_PAGE: &str = "/projects/ml-research/clusters/01900000-0000-7000-8000-000000000005";

/// The page of the invitation that is for nobody here.
const INVITED_PAGE: &str = "/invitations/aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWk";

/// A form, where it leads, and what the page there says.
struct Sent {
    who: Who,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    to: &'static str,
    says: &'static str,
}

const fn sent(
    who: Who,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    to: &'static str,
    says: &'static str,
) -> Sent {
    Sent {
        who,
        path,
        fields,
        to,
        says,
    }
}

impl Sent {
    fn ask(&self, app: &TestApp, manner: Manner) -> Ask {
        let fields = self.fields.iter().map(|(name, value)| (*name, app.fill(value)));
        Ask::post(self.path, fields).by(self.who).manner(manner)
    }
}

/// The page a browser shows next, with the cookie it was given; then once more, as it is after the cookie was taken
/// away.
async fn follow(app: &TestApp, sent: &Sent, answer: &Answer) -> (Answer, Answer) {
    let what = format!("{} {:?}", sent.path, sent.fields);
    assert_eq!(answer.status, 303, "{what}");
    assert_eq!(answer.location(), app.fill(sent.to), "{what}");
    let flash = answer.cookie("roster-flash").unwrap();
    let get = || Ask::get(answer.location()).by(sent.who).manner(Manner::Plain);
    let first = app
        .ask(get().with(header::COOKIE, format!("roster-flash={flash}")))
        .await;
    assert_eq!(first.status, 200, "{what}");
    assert_eq!(first.cookie("roster-flash"), Some(""), "{what}: shown once");
    let second = app.ask(get()).await;
    (first, second)
}

/// What a person reads: the text of the page's body, without markup and without what is in it for scripts.
pub(crate) fn words(html: &str) -> String {
    let mut text = String::new();
    for (at, part) in html.split("<script").enumerate() {
        let part = if at == 0 {
            part
        } else {
            part.split_once("</script>").map_or("", |(_, rest)| rest)
        };
        for piece in part.split('<') {
            text.push_str(piece.split_once('>').map_or(piece, |(_, words)| words));
        }
    }
    text.replace("&#x27;", "'")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// The tag of a field, and where it is a text of several lines, the text as well.
fn input<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    tag(html, name, "<input", ">").or_else(|| tag(html, name, "<textarea", "</textarea>"))
}

/// What is between these two around a field of this name.
fn tag<'a>(html: &'a str, name: &str, start: &str, end: &str) -> Option<&'a str> {
    html.split(start)
        .skip(1)
        .map(|rest| rest.split_once(end).map_or(rest, |(field, _)| field))
        .find(|field| field.contains(&format!("name=\"{name}\"")))
}
