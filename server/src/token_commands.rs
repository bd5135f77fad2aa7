//! `roster admin gateway-token` and `roster admin meter-token`: what the operator does with the tokens of gateways (E7)
//! and meters (E9).

use std::io::Write;

use directory::{
    Allowed, Date, GatewayScope, GatewayToken, MeterToken, NewGatewayToken, OffsetDateTime, Principal, Token,
};
use policy::{Name, Refusal, ResourceId};
use serde_json::{Value, json};
use time::{format_description::well_known::Rfc3339, macros::format_description};

use crate::{
    admin::{Outcome, directory, explain, organization_slug, refused, say},
    cli::{GatewayScopeFlags, GatewayTokenCommand, MeterTokenCommand},
    config::Config,
};

/// Does something with the tokens of gateways.
pub(crate) async fn gateway_token(config: &Config, command: GatewayTokenCommand) -> Outcome<()> {
    match command {
        GatewayTokenCommand::Create { name, scope, output } => {
            let new = new_gateway_token(&name, &scope)?;
            let made = directory(config)
                .await?
                .create_scoped_gateway_token(&Principal::operator(), &new)
                .await;
            let (token, scope) = made.map_err(about_scope)?;
            if !output.json {
                // Beside the token, which stands alone, so that a script can put it where it belongs.
                writeln!(std::io::stderr(), "{}", new_scope_text(&scope))?;
            }
            let secret = token.reveal();
            let expires = new.expires_at.map(|at| at.format(&Rfc3339)).transpose()?;
            let json = json!({ "name": new.name, "token": secret, "scope": scope_json(&scope), "expires_at": expires });
            say(output, &json, secret)
        }
        GatewayTokenCommand::Revoke { name, output } => {
            let directory = directory(config).await?;
            let (name, revoked) = by_name(&name, async |name| {
                directory.revoke_gateway_token(&Principal::operator(), name).await
            })
            .await?;
            revoked.map_err(|error| about_token(error, "gateway", &name))?;
            say(output, &json!({ "name": name }), &gone("gateway", &name))
        }
        GatewayTokenCommand::List { output } => {
            let all = directory(config)
                .await?
                .gateway_tokens(&Principal::operator())
                .await
                .map_err(explain)?;
            let listed: Vec<_> = all.iter().map(gateway_row).collect::<Outcome<_>>()?;
            let (rows, lines): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
            say(output, &json!(rows), &lines.join("\n"))
        }
    }
}

/// Does something with the tokens of meters.
pub(crate) async fn meter_token(config: &Config, command: MeterTokenCommand) -> Outcome<()> {
    match command {
        MeterTokenCommand::Create { name, output } => {
            let name = token_name(&name)?;
            let token: Token = directory(config)
                .await?
                .create_meter_token(&Principal::operator(), &name)
                .await
                .map_err(explain)?;
            if !output.json {
                writeln!(
                    std::io::stderr(),
                    "It may report usage for every organization of this installation."
                )?;
            }
            let secret = token.reveal();
            say(output, &json!({ "name": name, "token": secret }), secret)
        }
        MeterTokenCommand::Revoke { name, output } => {
            let directory = directory(config).await?;
            let (name, revoked) = by_name(&name, async |name| {
                directory.revoke_meter_token(&Principal::operator(), name).await
            })
            .await?;
            revoked.map_err(|error| about_token(error, "meter", &name))?;
            say(output, &json!({ "name": name }), &gone("meter", &name))
        }
        MeterTokenCommand::List { output } => {
            let all = directory(config)
                .await?
                .meter_tokens(&Principal::operator())
                .await
                .map_err(explain)?;
            let listed: Vec<_> = all.iter().map(meter_row).collect::<Outcome<_>>()?;
            let (rows, lines): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
            say(output, &json!(rows), &lines.join("\n"))
        }
    }
}

fn token_name(text: &str) -> Outcome<Name> {
    Ok(Name::from_input(text).map_err(refused)?)
}

/// Calls `act` with the name as it is written, for tokens from before names were normalized, and otherwise with the
/// normalized name.
async fn by_name<T>(
    text: &str,
    act: impl AsyncFn(&Name) -> directory::Result<T>,
) -> Outcome<(Name, directory::Result<T>)> {
    let seen = Name::from_input(text);
    if let Ok(as_it_stands) = text.parse::<Name>()
        && seen.as_ref() != Ok(&as_it_stands)
    {
        let done = act(&as_it_stands).await;
        if seen.is_err() || !matches!(done, Err(directory::Error::Refused(Refusal::Hidden))) {
            return Ok((as_it_stands, done));
        }
    }
    let seen = seen.map_err(refused)?;
    let done = act(&seen).await;
    Ok((seen, done))
}

/// What the options of a new token say. Without any of them it is for everything, as it always was.
fn new_gateway_token(name: &str, flags: &GatewayScopeFlags) -> Outcome<NewGatewayToken> {
    let name = token_name(name)?;
    let organization = flags.organization.as_deref().map(organization_slug).transpose()?;
    let project = flags.project.as_deref().map(|text| match text.parse() {
        Ok(project) => project,
        Err(never) => match never {},
    });
    let cluster = flags
        .cluster
        .as_deref()
        .map(|text| {
            text.parse::<ResourceId>()
                .map_err(|_| format!("{text} is no cluster\u{2019}s id."))
        })
        .transpose()?;
    let allows = flags
        .allow
        .iter()
        .map(|text| {
            let unknown =
                |_| format!("{text} is neither a kind of resource nor a permission, like endpoint or volume:read.");
            text.trim().parse::<Allowed>().map_err(unknown)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let is_everything = organization.is_none() && project.is_none() && cluster.is_none() && allows.is_empty();
    Ok(NewGatewayToken {
        name,
        organization,
        project,
        cluster,
        allows: (!allows.is_empty()).then_some(allows),
        reads_ssh_keys: flags.ssh || is_everything,
        expires_at: flags.expires.as_deref().map(end_of_day).transpose()?,
    })
}

/// The end of a last day (decision 2).
fn end_of_day(text: &str) -> Outcome<OffsetDateTime> {
    let day = Date::parse(text.trim(), format_description!("[year]-[month]-[day]"))
        .ok()
        .and_then(Date::next_day)
        .ok_or_else(|| refused(Refusal::EndDateInvalid))?;
    Ok(day.midnight().assume_utc())
}

/// To the operator nothing is hidden, so "hidden" means that it does not exist.
fn about_scope(error: directory::Error) -> String {
    if matches!(error, directory::Error::Refused(Refusal::Hidden)) {
        "There is no such organization, project or cluster, or they aren\u{2019}t one within the other.".to_owned()
    } else {
        explain(error)
    }
}

fn about_token(error: directory::Error, what: &str, name: &Name) -> String {
    if matches!(error, directory::Error::Refused(Refusal::Hidden)) {
        format!("There is no {what} token {name}.")
    } else {
        explain(error)
    }
}

fn gone(what: &str, name: &Name) -> String {
    format!("The {what} token {name} was revoked. It no longer works.")
}

fn scope_json(scope: &GatewayScope) -> Value {
    let bounds = scope.target.as_ref();
    let codes = |allows: &Vec<Allowed>| allows.iter().map(|allowed| allowed.code()).collect::<Vec<_>>();
    json!({
        "installation": bounds.is_none(),
        "organization": bounds.map(|bounds| json!({ "id": bounds.organization, "slug": bounds.organization_slug })),
        "project": bounds.and_then(|bounds| bounds.project.map(|id| json!({ "id": id, "slug": bounds.project_slug }))),
        "cluster": bounds.and_then(|bounds| bounds.cluster),
        "allow": scope.allows.as_ref().map(codes),
        "ssh": scope.reads_ssh_keys,
    })
}

/// Where a scope ends, in words.
fn scope_name(scope: &GatewayScope) -> String {
    let Some(bounds) = &scope.target else {
        return "the whole installation".to_owned();
    };
    let slug_or_id = |slug: &Option<String>, id: String| slug.clone().unwrap_or(id);
    match (bounds.cluster, bounds.project) {
        (Some(cluster), _) => format!("cluster {cluster}"),
        (None, Some(project)) => format!("project {}", slug_or_id(&bounds.project_slug, project.to_string())),
        (None, None) => format!(
            "organization {}",
            slug_or_id(&bounds.organization_slug, bounds.organization.to_string())
        ),
    }
}

fn allows(scope: &GatewayScope) -> String {
    scope.allows.as_ref().map_or_else(
        || "everything".to_owned(),
        |allows| {
            allows
                .iter()
                .map(|allowed| allowed.code())
                .collect::<Vec<_>>()
                .join(",")
        },
    )
}

/// What a new token may do, for the person who made it.
fn new_scope_text(scope: &GatewayScope) -> String {
    let keys = if scope.reads_ssh_keys {
        "It reads the SSH keys of those who may log in to its clusters."
    } else {
        "It reads no SSH keys."
    };
    format!(
        "This token is for {}. It may ask about {}. {keys}",
        scope_name(scope),
        allows(scope)
    )
}

/// A token in the list: as JSON, and as a line.
fn gateway_row(token: &GatewayToken) -> Outcome<(Value, String)> {
    let time = |at: Option<OffsetDateTime>| at.map(|at| at.format(&Rfc3339)).transpose();
    let created = token.created_at.format(&Rfc3339)?;
    let (expires, revoked, used) = (
        time(token.expires_at)?,
        time(token.revoked_at)?,
        time(token.last_used_at)?,
    );
    let mut line = format!(
        "{}  {}  allow {}  ssh {}  created {created}",
        token.name,
        scope_name(&token.scope),
        allows(&token.scope),
        if token.scope.reads_ssh_keys { "yes" } else { "no" },
    );
    add_times(&mut line, used.as_deref(), revoked.as_deref());
    if let Some(at) = &expires {
        line.push_str(&format!("  expires {at}"));
    }
    let json = json!({
        "name": token.name,
        "scope": scope_json(&token.scope),
        "created_at": created,
        "last_used_at": used,
        "expires_at": expires,
        "revoked_at": revoked,
    });
    Ok((json, line))
}

fn meter_row(token: &MeterToken) -> Outcome<(Value, String)> {
    let time = |at: Option<OffsetDateTime>| at.map(|at| at.format(&Rfc3339)).transpose();
    let created = token.created_at.format(&Rfc3339)?;
    let (revoked, used) = (time(token.revoked_at)?, time(token.last_used_at)?);
    let mut line = format!("{}  created {created}", token.name);
    add_times(&mut line, used.as_deref(), revoked.as_deref());
    let json = json!({ "name": token.name, "created_at": created, "last_used_at": used, "revoked_at": revoked });
    Ok((json, line))
}

fn add_times(line: &mut String, used: Option<&str>, revoked: Option<&str>) {
    match used {
        Some(at) => line.push_str(&format!("  last used {at}")),
        None => line.push_str("  never used"),
    }
    if let Some(at) = revoked {
        line.push_str(&format!("  revoked {at}"));
    }
}
