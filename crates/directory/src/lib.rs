//! The state of Roster, and the only way to change it.
//!
//! Owns every table, every line of SQL, and the use cases: one function, one transaction, in which the rows are locked,
//! the principal's standing is read, [`policy`] decides, the change is made, and the audit row is written. It must not
//! know how requests arrive or how answers look: no HTTP, no screens, no texts for people.

#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "tests choose their own moments and ids")
)]

mod accounts;
mod api_keys;
mod attempts;
mod audit;
mod authorization;
mod breached_passwords;
mod browser_tokens;
mod collaborators;
mod confirmation;
mod connections;
mod database;
mod demo;
mod devices;
mod directory;
mod email_changes;
mod error;
mod flashes;
mod frame;
mod gateways;
mod hints;
mod invitations;
mod limits;
mod links;
mod made_keys;
mod members;
mod memberships;
mod meters;
mod notices;
mod obstacles;
mod open_invitations;
mod organizations;
mod outbox;
mod owned_assets;
mod paging;
mod passwords;
mod people;
mod projects;
mod quotas;
mod readiness;
mod refused_attempts;
mod repeats;
mod resources;
mod secret;
mod sessions;
mod ssh_key_text;
mod ssh_keys;
mod ssh_proofs;
mod submissions;
mod takeover;
#[cfg(test)]
mod tests;
mod tokens;
mod usage;
mod users;
mod verification;

pub use accounts::OpenedReset;
pub use api_keys::{ApiKey, ApiKeyList, ApiKeyQuery, KeyView, NewApiKey};
pub use audit::{AuditEvent, AuditPage};
pub use authorization::{
    change::Change,
    evaluate::Target,
    gateway::{AccessDecision, AccessRequest, AuthorizedKey},
    permitted::Permitted,
    principal::{ApiKeyIdentity, Credential, Identity, Origin, Principal, Subject},
    target::{OrganizationView, ProjectContext, ProjectRef, ProjectView},
    writer::Writer,
};
pub use breached_passwords::BreachedPasswords;
pub use browser_tokens::{DeviceToken, SessionToken};
pub use collaborators::{Added, Collaborator, CollaboratorKind, CollaboratorList, CollaboratorQuery, Removal};
pub use connections::{BadAddress, PoolState};
pub use database::{Blocked, Database, Finding, STATEMENT};
pub use demo::{DEMO_PASSWORD, DemoError};
pub use directory::{Directory, Settings};
pub use email_changes::{OpenedEmailChange, OpenedEmailUndo};
pub use error::{Error, Result};
pub use flashes::{FlashHolder, FlashTicket};
pub use frame::FrameView;
pub use gateways::{Allowed, GatewayScope, GatewayTarget, GatewayToken, KnownGateways, NewGatewayToken};
pub use hints::{Hint, Hints};
pub use invitations::{
    Delivery, Invitation, InvitationList, InvitationQuery, InvitationState, Joined, NewInvitation, Opened,
};
pub use links::LinkToken;
pub use made_keys::KeyChoice;
pub use members::{Member, MemberList, MemberQuery, MemberRemoval, RemovalPreview};
pub use meters::{MeterToken, OrganizationRef};
pub use notices::Notice;
pub use obstacles::{Obstacle, Pooled, Unanswered, Unfit, Unowned, Unreached};
pub use organizations::{OrganizationReport, OrganizationSettings, OrganizationSummary};
pub use outbox::{Mail, MailAbout, MailBacklog};
pub use owned_assets::{MadeKey, OwnedAssets};
pub use people::{Cursor, Order, PeopleSort};
pub use projects::{
    ListedProject, ProjectChange, ProjectContents, ProjectCursor, ProjectList, ProjectQuery, ProjectSummary,
};
pub use refused_attempts::refused_attempts;
pub use resources::{
    Creator, KindSummary, Resource, ResourceChange, ResourceCursor, ResourceList, ResourceOverview, ResourceQuery,
    ResourceSort,
};
pub use sessions::{NewSession, Session, SignedInAt};
pub use ssh_key_text::has_private_key;
pub use ssh_keys::SshKey;
pub use ssh_proofs::SshKeyProof;
pub use submissions::{Sent, Submission};
pub use time::{Date, OffsetDateTime};
pub use tokens::{Token, TokenKind};
pub use usage::{UsageRecord, UsageReport, UsageSum, UsageTaken};
pub use users::NewAccount;
pub use verification::{OpenedVerification, Verified};
