//! Lists as files: CSV (RFC 4180, but with line feeds alone) of the whole list as it is searched, filtered and sorted
//! (C10).
//!
//! Read from the directory page by page and sent as it comes, so that a list of 100,000 is never whole in memory.

use std::{future::Future, io};

use app::{
    Problem,
    request_context::{SessionContext, choice},
};
use axum::{
    body::{Body, Bytes},
    extract::{Extension, OriginalUri, Path, Query, rejection::QueryRejection},
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use directory::{CollaboratorQuery, Cursor, Directory, MemberQuery, OffsetDateTime, Principal};
use policy::{Because, Refusal, Slug, compatible, visible};
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::http::layers::problem;

/// How many rows are read from the directory at a time.
const PAGE: u16 = 1_000;

/// Which part of the list: as in the URL of its screen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Part {
    q: String,
    role: String,
    kind: String,
    sort: String,
    order: String,
}

type Asked = Result<Query<Part>, QueryRejection>;

/// `GET /settings/organization/{organization}/members.csv`
pub(crate) async fn members(
    Extension(context): Extension<SessionContext>,
    OriginalUri(uri): OriginalUri,
    Path(organization): Path<String>,
    part: Asked,
) -> Response {
    export(context, &uri, &organization, part, "members", |asked| async move {
        let Asking {
            directory,
            principal,
            slug,
            part,
            after,
        } = asked;
        // Members are of one kind.
        if !part.kind.is_empty() {
            return Err(Refusal::Malformed.into());
        }
        let query = MemberQuery {
            role: choice(&part.role)?,
            sort: choice(&part.sort)?.unwrap_or_default(),
            order: choice(&part.order)?.unwrap_or_default(),
            search: part.q,
            after,
            limit: PAGE,
        };
        let list = directory.members(&principal, &slug, &query).await?;
        let rows = list.rows.iter().map(|row| {
            let owns = row.standing.is_owner();
            [
                row.name.to_string(),
                row.email.to_string(),
                row.standing.role().code().to_owned(),
                if owns { "owner" } else { "" }.to_owned(),
                row.added_by.as_ref().map(ToString::to_string).unwrap_or_default(),
                timestamp(row.added_at),
            ]
        });
        Ok(Sheet {
            heading: &["name", "email", "role", "owner", "invited_by", "member_since"],
            rows: rows.map(Vec::from).collect(),
            next: list.next,
        })
    })
    .await
}

/// `GET /settings/projects/{project}/collaborators.csv`
pub(crate) async fn collaborators(
    Extension(context): Extension<SessionContext>,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    part: Asked,
) -> Response {
    export(context, &uri, &project, part, "collaborators", |asked| async move {
        let Asking {
            directory,
            principal,
            slug,
            part,
            after,
        } = asked;
        let query = CollaboratorQuery {
            role: choice(&part.role)?,
            kind: choice(&part.kind)?,
            sort: choice(&part.sort)?.unwrap_or_default(),
            order: choice(&part.order)?.unwrap_or_default(),
            search: part.q,
            after,
            limit: PAGE,
        };
        let list = directory.collaborators(&principal, &slug, &query).await?;
        let rows = list.rows.iter().map(|row| {
            let access = row.standing.project;
            [
                row.name.to_string(),
                row.email.to_string(),
                access.map_or("", |access| access.role.code()).to_owned(),
                access.map_or("", |access| Because::code(access.because)).to_owned(),
                row.added_by.as_ref().map(ToString::to_string).unwrap_or_default(),
                timestamp(row.added_at),
                row.expires_at.map(timestamp).unwrap_or_default(),
            ]
        });
        Ok(Sheet {
            heading: &["name", "email", "role", "because", "added_by", "added_at", "expires_at"],
            rows: rows.map(Vec::from).collect(),
            next: list.next,
        })
    })
    .await
}

/// What a page of a file is made from.
struct Asking {
    directory: Directory,
    principal: Principal,
    slug: Slug,
    part: Part,
    after: Option<Cursor>,
}

/// A page of a file.
struct Sheet {
    heading: &'static [&'static str],
    rows: Vec<Vec<String>>,
    next: Option<Cursor>,
}

async fn export<F, Fut>(
    context: SessionContext,
    uri: &Uri,
    slug: &str,
    part: Asked,
    what: &'static str,
    page: F,
) -> Response
where
    F: Fn(Asking) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Sheet, Problem>> + Send,
{
    let Some(session) = context.session else {
        let to = uri.path_and_query().map_or("/", |whole| whole.as_str());
        return Redirect::to(&app::sign_in_path(to)).into_response();
    };
    let principal = session.principal(context.origin);
    let (Ok(slug), Ok(Query(part))) = (slug.parse::<Slug>(), part) else {
        return problem(Refusal::Hidden.into());
    };
    let lives = context.directory.clone();
    let ask = move |after| Asking {
        directory: context.directory.clone(),
        principal: principal.clone(),
        slug: slug.clone(),
        part: part.clone(),
        after,
    };
    let file = format!("attachment; filename=\"{}-{what}.csv\"", ask(None).slug);
    // The first page is read before the status is sent, so that a refusal is answered as one.
    let first = match page(ask(None)).await {
        Ok(first) => first,
        Err(refused) => return problem(refused),
    };
    let (chunks, stream) = mpsc::channel::<io::Result<Bytes>>(2);
    tokio::spawn(async move {
        let mut sheet = first;
        let mut chunk = head(sheet.heading);
        loop {
            let rows = chunk.and_then(|mut text| {
                text.extend(write(&sheet.rows)?);
                Ok(Bytes::from(text))
            });
            // Ends with an error if the client or the database is gone: a truncated file must not look complete.
            if chunks.send(rows).await.is_err() {
                return;
            }
            let Some(after) = sheet.next.take() else { return };
            // The session and the access are checked again for each page; when they end, the file does (E5).
            let is_signed_in = lives.session_lives(session.id).await.unwrap_or_default();
            sheet = match page(ask(Some(after))).await {
                Ok(next) if is_signed_in => next,
                Ok(_) | Err(_) => return drop(chunks.send(Err(io::Error::other("cut short"))).await),
            };
            chunk = Ok(Vec::new());
        }
    });
    let mut response = Body::from_stream(ReceiverStream::new(stream)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    if let Ok(file) = HeaderValue::from_str(&file) {
        headers.insert(header::CONTENT_DISPOSITION, file);
    }
    response
}

/// The first line. A byte order mark before it: without one a spreadsheet takes the text for something else than UTF-8.
fn head(heading: &[&str]) -> io::Result<Vec<u8>> {
    let names = write(&[heading.iter().map(ToString::to_string).collect()])?;
    Ok(["\u{FEFF}".as_bytes(), &names].concat())
}

fn write(rows: &[Vec<String>]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell)))?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// A spreadsheet takes what begins like this for a formula, and runs it; a quote before it makes it text (OWASP, CSV
/// injection). So it does with the wide and small forms of these signs, and after what can't be seen.
fn harmless(cell: &str) -> String {
    let is_risky = |part: &str| {
        part.starts_with(['\t', '\r', '\n']) || compatible(&visible(part)).starts_with(['=', '+', '-', '@', '\u{2212}'])
    };
    // Where the semicolon separates cells, one may begin after it.
    if cell.split(';').skip(1).any(is_risky) {
        harmless(&cell.replace(';', ","))
    } else if is_risky(cell) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

fn timestamp(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0)
        .unwrap_or(at)
        .format(&Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{head, write};

    #[test]
    fn c10_no_cell_is_a_formula_and_none_breaks_its_row() {
        let row = ["=1+1", " @x", "a, \"b\"", "-1", "x; =2", "plain; text"]
            .map(str::to_owned)
            .to_vec();
        let text = String::from_utf8(write(&[row]).unwrap()).unwrap();
        assert_eq!(text, "'=1+1,' @x,\"a, \"\"b\"\"\",'-1,\"x, =2\",plain; text\n");
    }

    #[test]
    fn c10_no_wide_or_hidden_beginning_is_a_formula() {
        for cell in [
            "＝1+1",
            "＋1",
            "－1",
            "＠x",
            "﹦1",
            "−1",
            "\t=1",
            "\tx",
            "\rx",
            "\u{A0}=1",
            "\u{200B}=1",
            "\u{FEFF}＝1",
            "\u{202A}=1",
        ] {
            let text = String::from_utf8(write(&[vec!["a".to_owned(), cell.to_owned()]]).unwrap()).unwrap();
            assert!(text.replace('"', "").starts_with("a,'"), "{text:?}");
        }
        let plain = ["Jörg", "李小龍", "a=1", "1 − 1"].map(str::to_owned).to_vec();
        assert_eq!(
            String::from_utf8(write(&[plain]).unwrap()).unwrap(),
            "Jörg,李小龍,a=1,1 − 1\n"
        );
    }

    /// Excel shows JÃ¶rg without it.
    #[test]
    fn c10_a_file_begins_with_a_byte_order_mark() {
        assert_eq!(head(&["name", "email"]).unwrap(), "\u{FEFF}name,email\n".as_bytes());
    }
}
