//! The limits on attempts that could guess a secret or send mail (J9), by name.
//!
//! Owns the limits. It must not know how attempts are counted. Limits count for each person, for each network and in
//! all. Windows that strangers can fill are short, so that the people they affect wait for minutes and are never locked
//! out. A device that signed in to the account before is counted separately, so that strangers can't use up its limit.

use std::net::{IpAddr, Ipv6Addr};

use policy::{Email, OrganizationId, SessionId, UserId};
use time::Duration;

use crate::{Origin, attempts::Limit};

impl Origin {
    /// Returns the network that identifies one client: an IPv4 address, or the first 64 bits of an IPv6 address, since
    /// the client controls all addresses with that prefix.
    pub(crate) fn network(&self) -> String {
        match self.address.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V6(address)) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
                format!("{network}/64")
            }
            Ok(IpAddr::V4(address)) => address.to_string(),
            Err(_) => String::new(),
        }
    }
}

fn limit(bucket: String, count: i32, window: Duration) -> Limit {
    Limit { bucket, count, window }
}

/// Returns the limits on wrong passwords for an account. `device` identifies a device that signed in to this account
/// before (its id, or the hash of its token); without one it is a stranger's attempt. The broadest limit comes first.
pub(crate) fn sign_in(email: &Email, origin: &Origin, device: Option<&str>) -> Vec<Limit> {
    let window = Duration::minutes(5);
    if let Some(device) = device {
        return vec![limit(format!("sign_in account {email} device {device}"), 10, window)];
    }
    let network = origin.network();
    vec![
        limit("sign_in all".to_owned(), 1_000, Duration::minutes(1)),
        limit(format!("sign_in network {network}"), 100, window),
        limit(format!("sign_in account {email}"), 20, window),
        limit(format!("sign_in account {email} network {network}"), 10, window),
    ]
}

/// Returns the limit on wrong current passwords in one session. Nobody else can use up this limit, and in a session
/// that was left open it is the only one.
pub(crate) fn current_password(session: SessionId) -> Limit {
    limit(format!("password session {session}"), 10, Duration::minutes(15))
}

/// Returns the limits on new accounts, whether created or refused.
pub(crate) fn sign_up(origin: &Origin) -> Vec<Limit> {
    vec![
        limit("sign_up all".to_owned(), 1_000, Duration::minutes(10)),
        limit(format!("sign_up network {}", origin.network()), 300, Duration::hours(1)),
    ]
}

/// Returns the limit on mails that follow a sign-up with an address: each may go to a stranger.
pub(crate) fn sign_up_mail(email: &Email) -> Limit {
    limit(format!("sign_up mail {email}"), 5, Duration::hours(1))
}

/// Returns the limit on links that one person requests to prove their own address.
pub(crate) fn verification_mail(user: UserId) -> Limit {
    limit(format!("verify_email user {user}"), 5, Duration::hours(1))
}

/// Returns the limits on links that confirm a change of address. Each person's limit is a part of the mailbox's, which
/// leaves room for others.
pub(crate) fn email_change(user: UserId, new: &Email) -> [Limit; 3] {
    let hour = Duration::hours(1);
    [
        limit(format!("change_email mail {new}"), 12, hour),
        limit(format!("change_email mail {new} by {user}"), 3, hour),
        limit(format!("change_email user {user}"), 5, hour),
    ]
}

/// Returns the limit on wrong addresses entered for invitations.
pub(crate) fn invitation_address(origin: &Origin) -> Limit {
    limit(
        format!("invitation:name network {}", origin.network()),
        30,
        Duration::hours(1),
    )
}

/// Returns the limits on requests for a link to a new password, for any address.
pub(crate) fn password_reset(origin: &Origin) -> Vec<Limit> {
    let window = Duration::minutes(15);
    vec![
        limit("password_reset all".to_owned(), 1_000, Duration::minutes(10)),
        limit(format!("password_reset network {}", origin.network()), 30, window),
    ]
}

/// Returns the limit on mail with a link to a new password. Beyond this limit a request gets the same answer and
/// nothing is sent, since the link mailed within the window is still valid. So strangers can't use up a person's mail.
pub(crate) fn password_reset_mail(email: &str) -> Limit {
    limit(format!("password_reset mail {email}"), 1, Duration::minutes(15))
}

/// Returns the limit on invitations that a person sends, in any organization, mailed or not.
pub(crate) fn invitation(inviter: UserId) -> Limit {
    limit(format!("member:invite {inviter}"), 500, Duration::hours(1))
}

/// Returns the limits on invitations mailed to one address. The limits of a person and of an organization are a part of
/// the mailbox's, which leaves room for others; creating further organizations doesn't raise a person's limit.
pub(crate) fn invitation_mail(inviter: UserId, organization: OrganizationId, email: &Email) -> [Limit; 3] {
    let hour = Duration::hours(1);
    [
        limit(format!("invitation mail {email} by {inviter}"), 4, hour),
        limit(format!("invitation mail {email} from {organization}"), 4, hour),
        limit(format!("invitation mail {email}"), 12, hour),
    ]
}

#[cfg(test)]
mod tests {
    use policy::{OrganizationId, SessionId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::refused_attempts::name_of;

    /// U1: what a limit refused is counted under its name, whatever else is in its bucket.
    #[test]
    fn u1_each_limit_is_counted_under_a_name_without_an_address_or_an_id() {
        let (email, origin) = ("mia@acme.test".parse().unwrap(), Origin::default());
        let (user, organization) = (UserId(Uuid::nil()), OrganizationId(Uuid::nil()));
        let limits = [
            sign_in(&email, &origin, None),
            sign_in(&email, &origin, Some("device")),
            vec![current_password(SessionId(Uuid::nil()))],
            sign_up(&origin),
            vec![sign_up_mail(&email), verification_mail(user)],
            email_change(user, &email).into(),
            vec![invitation_address(&origin), invitation(user)],
            password_reset(&origin),
            vec![password_reset_mail(email.as_str())],
            invitation_mail(user, organization, &email).into(),
        ];
        for limit in limits.into_iter().flatten() {
            let name = name_of(&limit.bucket);
            let first = limit.bucket.split(' ').next().unwrap();
            assert!(
                name.is_some_and(|name| first == name || first == "invitation:name"),
                "{}",
                limit.bucket
            );
        }
        for other in ["collaborator:add x", "flash:sessions", "flash:kept:192.0.2.1"] {
            assert!(name_of(other).is_some(), "{other}");
        }
        assert_eq!(name_of("passwords"), None);
    }

    fn network(address: &str) -> String {
        let origin = Origin {
            address: address.to_owned(),
            ..Origin::default()
        };
        origin.network()
    }

    /// J9
    #[test]
    fn j9_an_ipv4_address_or_64_bits_of_an_ipv6_address_are_one_client() {
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:1:2:3"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("nonsense"), "");
        assert_eq!(network(""), "");
    }
}
