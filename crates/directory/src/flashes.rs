//! Flashes: what a form that was sent without scripts came to, kept until the next page shows it (J11).
//!
//! The browser gets a ticket, 256 random bits, and nothing else. The database keeps the content sealed, under a key and
//! at a place that are both derived from the ticket **and** from whom it is for: a session's secret or, where nobody is
//! signed in, the visitor's network and browser. A ticket that comes with another session leads nowhere; so does one
//! that was made up. Reading deletes the row.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::UserId;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use time::Duration;

use crate::{Directory, Error, Origin, Result, SessionToken, Submission, attempts::Limit, secret};

/// How long a flash waits for its page.
const LIFETIME: Duration = Duration::minutes(1);
/// How long one waits for its person to sign in.
const UNTIL_SIGNED_IN: Duration = Duration::minutes(30);
/// Flashes kept in as long as one waits, for one session or, where nobody is signed in, for one network.
const MOST_EACH: i32 = 300;
/// The same in all, for sessions, for visitors, and for those who have to sign in first, apart: nobody uses up what
/// others need.
const MOST_IN_ALL: i32 = 6_000;

/// What a browser shows to see a flash: the cookie's value. Its `Debug` is blank.
#[derive(Clone)]
pub struct FlashTicket([u8; 32]);

impl FlashTicket {
    /// Reads a cookie's value; `None` if it cannot be a ticket.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The ticket to what came of a form, for this session and every request that sent that form.
    #[must_use]
    pub fn of(session: &SessionToken, submission: &Submission) -> Self {
        let secret = session.reveal();
        Self(secret::sha256(
            &[b"ticket\0".as_slice(), submission.salt(), secret.as_bytes()].concat(),
        ))
    }

    /// The cookie's value.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Where the row is, and the key it is sealed with.
    fn derive(&self, holder: FlashHolder<'_>) -> Result<([u8; 32], LessSafeKey)> {
        let failed = |_| Error::Internal("a flash's key could not be derived".to_owned());
        let secrets = Salt::new(HKDF_SHA256, &holder.digest()).extract(&self.0);
        let mut lookup = [0; 32];
        let place = secrets.expand(&[b"roster flash lookup"], HKDF_SHA256).map_err(failed)?;
        place.fill(&mut lookup).map_err(failed)?;
        let key = secrets.expand(&[b"roster flash key"], &AES_256_GCM).map_err(failed)?;
        Ok((lookup, LessSafeKey::new(UnboundKey::from(key))))
    }
}

impl fmt::Debug for FlashTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlashTicket(…)")
    }
}

/// Whom a flash is for.
#[derive(Clone, Copy, Debug)]
pub enum FlashHolder<'a> {
    /// Whoever has this session.
    Session(&'a SessionToken),
    /// Somebody who is not signed in, known by network and browser: good enough for what holds no secret.
    Visitor(&'a Origin),
    /// This person, in the same browser and on this page, once they are signed in again: what they typed there when
    /// they were not any more.
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

    /// What is counted: this one's flashes, and everybody's of the kind.
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

    /// How long a flash waits for its page: for somebody who has to sign in first, as long as that may take.
    #[must_use]
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Session(_) | Self::Visitor(_) => LIFETIME,
            Self::Person(..) => UNTIL_SIGNED_IN,
        }
    }
}

impl Directory {
    /// Keeps a flash for as long as it waits, and returns the ticket that shows it: this one, where it has to be.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`](policy::Refusal::TooManyAttempts) if this holder, or everybody together, had too
    /// many kept.
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
        // Each one that comes takes some of those with it that nobody came for.
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

    /// Takes a flash out, which no other request can do after that; `None` if there is none for this holder and ticket.
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
        // What doesn't open was changed in the database: it is none of ours.
        let opened = key.open_in_place(only_nonce(), Aad::empty(), &mut row.sealed);
        Ok(opened.ok().map(|content| content.to_vec()))
    }

    /// Throws away flashes that nobody came for. Called now and then by the server.
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

/// Each key seals one message in its life, so one nonce is enough for it.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
