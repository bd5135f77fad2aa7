//! Answers on the server: made by running server functions in this process, read once by the render, and written into
//! the page as data that no browser runs.

use std::{fmt::Write as _, sync::Arc};

use leptos::prelude::use_context;

use super::page_state::{ANSWERS, PROBLEM, PageState, STATE};
use crate::{
    Problem,
    readable::{Answer, Ask, Asks, to_json},
    request_context,
};

/// The answers of a page, each with what was asked. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Vec<(Ask, Result<Answer, Problem>)>>);

impl Answers {
    /// Asks for everything a page is made of, one after the other: a page never waits for two connections at once.
    pub(crate) async fn of(asks: Asks) -> Self {
        let mut answers = Vec::new();
        for ask in asks.all() {
            let answer = (ask.run)(ask.query.clone()).await;
            answers.push((ask, answer));
        }
        Self(Arc::new(answers))
    }

    /// Writes them, with the page's state, as elements that the browser's program reads. The page's nonce is on them as
    /// on every script, although no browser runs them.
    pub(crate) fn write(&self, nonce: &str, out: &mut String) {
        write_data(out, nonce, STATE, false, &to_json(&page_state()));
        for (ask, answer) in self.0.iter() {
            match answer {
                Ok(answer) => write_data(out, nonce, ask.path, false, &answer.json),
                Err(problem) => write_data(out, nonce, ask.path, true, &to_json(problem)),
            }
        }
    }
}

/// The answer to this, for the page that is rendered; none if the page did not ask for it.
pub(crate) fn first<T: Clone + 'static>(ask: &Ask) -> Option<Result<T, Problem>> {
    let answers = use_context::<Answers>()?;
    let (_, answer) = answers.0.iter().find(|(asked, _)| asked == ask)?;
    Some(match answer {
        Ok(answer) => Ok(answer.value.downcast_ref::<T>()?.clone()),
        Err(problem) => Err(*problem),
    })
}

/// What the page that is rendered knows of its request.
pub(crate) fn page_state() -> PageState {
    PageState {
        user: request_context::user(),
        page: request_context::page_name(),
        flash: request_context::flash(),
    }
}

/// Writes a data block: no browser runs it, and without `<` nothing in it can end it. `path` is one of ours.
fn write_data(out: &mut String, nonce: &str, path: &'static str, is_problem: bool, json: &str) {
    let problem = if is_problem { PROBLEM } else { "" };
    // Writing to a text can't fail.
    let _ = write!(
        out,
        "<script type=\"application/json\" nonce=\"{nonce}\" {ANSWERS}=\"{path}\" {problem}>{}</script>",
        json.replace('<', "\\u003c")
    );
}

#[cfg(test)]
mod tests {
    use super::write_data;

    #[test]
    fn data_cannot_end_its_element() {
        let mut out = String::new();
        write_data(&mut out, "once", "/api/a", false, r#"{"name":"</script><!--<script>"}"#);
        assert_eq!(
            out,
            "<script type=\"application/json\" nonce=\"once\" data-answers=\"/api/a\" >\
             {\"name\":\"\\u003c/script>\\u003c!--\\u003cscript>\"}</script>"
        );
    }
}
