//! Flashes: the outcome of a form that was sent without scripts, stored until the next page shows it (J11).
//!
//! Owns the rows, their keys and the limits on them. It must not know what a flash contains.
//!
//! The browser gets a ticket of 256 random bits, and nothing else. The database stores the content encrypted. The key
//! and the row's lookup value are both derived from the ticket **and** from its holder: the session's secret or, if
//! nobody is signed in, the visitor's network and browser. A ticket that is sent with another session finds nothing,
//! nor does an invented one. Reading deletes the row.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::UserId;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use time::Duration;

use crate::{Directory, Error, Origin, Result, SessionToken, Submission, attempts::Limit, secret};

/// How long a flash is stored for the next page.
const LIFETIME: Duration = Duration::minutes(1);
/// How long a flash is stored for a person who has to sign in first.
const UNTIL_SIGNED_IN: Duration = Duration::minutes(30);
/// How many flashes are stored during that time for one session or, if nobody is signed in, for one network.
const MOST_EACH: i32 = 300;
/// The same for all together, counted apart for sessions, visitors, and people who have to sign in first, so that one
/// group can't use up the limit of another.
const MOST_IN_ALL: i32 = 6_000;

/// The ticket by which a browser gets a flash: the cookie's value. Its `Debug` output is blank.
#[derive(Clone)]
pub struct FlashTicket([u8; 32]);

impl FlashTicket {
    /// Parses a cookie's value; `None` if it has the wrong form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the ticket to the outcome of a form. It is the same for every request of this session that sent that
    /// form.
    #[must_use]
    pub fn of(session: &SessionToken, submission: &Submission) -> Self {
        let secret = session.reveal();
        Self(secret::sha256(
            &[b"ticket\0".as_slice(), submission.salt(), secret.as_bytes()].concat(),
        ))
    }

    /// Returns the cookie's value.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Derives the row's lookup value, and the key of its content.
    fn derive(&self, holder: FlashHolder<'_>) -> Result<([u8; 32], LessSafeKey)> {
        let failed = |_| Error::Internal("a flash's key could not be derived".to_owned());
        let secrets = Salt::new(HKDF_SHA256, &holder.digest()).extract(&self.0);
        let mut lookup = [0; 32];
        let derived = secrets.expand(&[b"roster flash lookup"], HKDF_SHA256).map_err(failed)?;
        derived.fill(&mut lookup).map_err(failed)?;
        let key = secrets.expand(&[b"roster flash key"], &AES_256_GCM).map_err(failed)?;
        Ok((lookup, LessSafeKey::new(UnboundKey::from(key))))
    }
}

impl fmt::Debug for FlashTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlashTicket(…)")
    }
}

/// The holder of a flash, to whom alone it is shown.
#[derive(Clone, Copy, Debug)]
pub enum FlashHolder<'a> {
    /// The holder of this session.
    Session(&'a SessionToken),
    /// A visitor who is not signed in, identified by network and browser. That is enough for content without secrets.
    Visitor(&'a Origin),
    /// This person, in the same browser and on this page, after signing in again: for what they typed when their
    /// session had ended.
    Person(UserId, &'a str, &'a Origin),
}

impl FlashHolder<'_> {
    fn digest(self) -> [u8; 32] {
        match self {
            Self::Session(token) => secret::sha256(&[b"session\0", token.hash().as_slice()].concat()),
            Self::Visitor(origin) => {
                let visitor = format!("visitor\0{}\0{}", origin.network(), origin.user_agent);
                secret::sha256(visitor.as_bytes())
            }
            Self::Person(user, page, origin) => {
                let person = format!("person\0{user}\0{page}\0{}\0{}", origin.network(), origin.user_agent);
                secret::sha256(person.as_bytes())
            }
        }
    }

    /// Returns the limits that a flash counts against: the holder's own, and the common one of all holders of this
    /// kind.
    fn limits(self) -> [Limit; 2] {
        let (whose, all) = match self {
            Self::Session(token) => (
                format!("flash:session:{}", URL_SAFE_NO_PAD.encode(token.hash())),
                "flash:sessions",
            ),
            Self::Visitor(origin) => (format!("flash:network:{}", origin.network()), "flash:visitors"),
            Self::Person(_, _, origin) => (format!("flash:kept:{}", origin.network()), "flash:kept"),
        };
        [(whose, MOST_EACH), (all.to_owned(), MOST_IN_ALL)].map(|(bucket, count)| Limit {
            bucket,
            count,
            window: self.lifetime(),
        })
    }

    /// Returns how long a flash is stored; longer for a person who has to sign in first.
    #[must_use]
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Session(_) | Self::Visitor(_) => LIFETIME,
            Self::Person(..) => UNTIL_SIGNED_IN,
        }
    }
}

impl Directory {
    /// Stores a flash for its lifetime, and returns the ticket that shows it: `ticket`, if given.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`](policy::Refusal::TooManyAttempts) if the limit of this holder, or the common one,
    /// is reached.
    pub async fn keep_flash(
        &self,
        holder: FlashHolder<'_>,
        ticket: Option<FlashTicket>,
        content: &[u8],
    ) -> Result<FlashTicket> {
        for limit in &holder.limits() {
            self.attempt(limit).await?;
        }
        let ticket = match ticket {
            Some(ticket) => ticket,
            None => FlashTicket(secret::random()?),
        };
        let (lookup, key) = ticket.derive(holder)?;
        let mut sealed = content.to_vec();
        key.seal_in_place_append_tag(only_nonce(), Aad::empty(), &mut sealed)
            .map_err(|_| Error::Internal("a flash could not be sealed".to_owned()))?;
        let now = self.now();
        // Each new flash deletes some old ones that were not fetched.
        sqlx::query!(
            "WITH lapsed AS (
                 DELETE FROM flashes WHERE lookup IN (
                     SELECT lookup FROM flashes WHERE expires_at <= $3
                     ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
             )
             INSERT INTO flashes (lookup, sealed, expires_at) VALUES ($1, $2, $4)",
            &lookup,
            &sealed,
            now,
            now + holder.lifetime(),
        )
        .execute(&self.pool)
        .await?;
        Ok(ticket)
    }

    /// Returns a flash and deletes it, so that no other request can read it; `None` if there is none for this holder
    /// and ticket.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn take_flash(&self, holder: FlashHolder<'_>, ticket: &FlashTicket) -> Result<Option<Vec<u8>>> {
        let (lookup, key) = ticket.derive(holder)?;
        let row = sqlx::query!(
            "DELETE FROM flashes WHERE lookup = $1 RETURNING sealed, expires_at",
            &lookup
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(mut row) = row.filter(|row| row.expires_at > self.now()) else {
            return Ok(None);
        };
        // Content that can't be decrypted was changed in the database, and is ignored.
        let opened = key.open_in_place(only_nonce(), Aad::empty(), &mut row.sealed);
        Ok(opened.ok().map(|content| content.to_vec()))
    }

    /// Deletes flashes that were not fetched. The server calls this from time to time.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn forget_old_flashes(&self) -> Result<()> {
        sqlx::query!("DELETE FROM flashes WHERE expires_at <= $1", self.now())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Returns the nonce. Each key encrypts only one message, so a constant nonce is safe.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
