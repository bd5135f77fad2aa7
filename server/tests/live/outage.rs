//! E6: while the database is away every answer is 503; afterwards answers are right again, and nothing that was answered as
//! done is lost.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use directory::{Actor, Directory, Settings};
use policy::{Reach, SessionId, UserId};
use server::postgres::Embedded;
use sqlx::PgPool;
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use super::servers::{Credential, Door, Roster, authorize};
