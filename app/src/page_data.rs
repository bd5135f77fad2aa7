//! What every page asks the server for: a table from the page's address to server functions that read.
//!
//! The server answers them before it renders the page, so that its status is known before a byte is sent, and the
//! answers travel with the page. In the browser the same table says what to ask for before another page is opened. It
//! must not know how an answer is shown.

use crate::{
    address::PageAddress,
    api::{
        accounts::{PasswordReset, SendsMail},
        api_keys::ApiKeys,
        collaborators::Collaborators,
        email_changes::{EmailChange, EmailUndo},
        invitations::{Invitation, Invitations},
        list::ListQuery,
        members::Members,
        organizations::Organization,
        projects::{ProjectSettings, Projects},
        resources::{Overview, Resource, Resources},
        sessions::Sessions,
        shell::Shell,
        ssh_keys::SshKeys,
        usage::Usage,
        verification::{EmailVerification, MadeKeys},
    },
    readable::{Ask, Asks, Readable, ask, secret},
};

/// What the page at this address asks for.
pub(crate) fn asks(address: &PageAddress) -> Asks {
    let segments = address.segments();
    let outside = |page| Asks { frame: None, page };
    match *segments {
        ["sign-in"] | ["docs", "roles"] => outside(None),
        ["sign-up"] | ["forgot-password"] => outside(Some(ask::<SendsMail>(&[]))),
        ["reset-password", token] => outside(Some(secret::<PasswordReset>(&[("token", token)]))),
        ["verify-email", token] => outside(Some(secret::<EmailVerification>(&[("token", token)]))),
        ["change-email", token] => outside(Some(secret::<EmailChange>(&[("token", token)]))),
        ["undo-email-change", token] => outside(Some(secret::<EmailUndo>(&[("token", token)]))),
        ["invitations", token] => {
            let named = address.query("email");
            outside(Some(secret::<Invitation>(&[("token", token), ("email", &named)])))
        }
        _ => Asks {
            frame: Some(frame(&segments)),
            page: in_frame(&segments, address),
        },
    }
}

/// What the frame asks for: the project or the organization that the address is about.
fn frame(segments: &[&str]) -> Ask {
    match *segments {
        ["projects", project, ..] | ["settings", "projects", project, ..] => ask::<Shell>(&[("project", project)]),
        ["settings", "organization", organization, ..] => ask::<Shell>(&[("organization", organization)]),
        _ => ask::<Shell>(&[]),
    }
}

/// What a page in the frame asks for; none for an address that no page has.
fn in_frame(segments: &[&str], address: &PageAddress) -> Option<Ask> {
    Some(match *segments {
        [] | ["settings", "profile"] => ask::<Shell>(&[]),
        ["settings", "sessions"] => ask::<Sessions>(&[]),
        ["settings", "ssh-keys"] => ask::<SshKeys>(&[]),
        ["settings", "my-api-keys"] => ask::<MadeKeys>(&[]),
        ["projects", project] => ask::<Overview>(&[("project", project)]),
        ["projects", project, "usage"] => {
            let (days, measure) = (address.query("days"), address.query("measure"));
            ask::<Usage>(&[("project", project), ("days", &days), ("measure", &measure)])
        }
        ["projects", project, kind] => list::<Resources>(address, &[("project", project), ("kind", kind)]),
        ["projects", project, kind, id] => ask::<Resource>(&[("project", project), ("kind", kind), ("id", id)]),
        ["settings", "projects", project] => ask::<ProjectSettings>(&[("project", project)]),
        ["settings", "projects", project, "collaborators"] => {
            let subject = address.query("user");
            list::<Collaborators>(address, &[("project", project), ("subject", &subject)])
        }
        ["settings", "projects", project, "api-keys"] => {
            let subject = address.query("key");
            list::<ApiKeys>(address, &[("project", project), ("subject", &subject)])
        }
        ["settings", "organization", organization] => ask::<Organization>(&[("organization", organization)]),
        ["settings", "organization", organization, "members"] => {
            let subject = address.query("user");
            list::<Members>(address, &[("organization", organization), ("subject", &subject)])
        }
        ["settings", "organization", organization, "invitations"] => {
            list::<Invitations>(address, &[("organization", organization)])
        }
        ["settings", "organization", organization, "projects"] => {
            list::<Projects>(address, &[("organization", organization)])
        }
        _ => return None,
    })
}

/// A server function of a list: with the search, the filters, the order and the cursor in the address.
fn list<S: Readable>(address: &PageAddress, arguments: &[(&str, &str)]) -> Ask {
    let query = ListQuery::of(address);
    let pairs = query.pairs().map(|(name, value)| (format!("query[{name}]"), value));
    let whole: Vec<_> = arguments
        .iter()
        .copied()
        .chain(pairs.iter().map(|(name, value)| (name.as_str(), *value)))
        .collect();
    ask::<S>(&whole)
}
