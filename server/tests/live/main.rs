//! The program `roster` as it runs: several servers on one database, under load, while access ends and while the
//! database goes away (E5, E6).

#![expect(clippy::disallowed_methods, reason = "tests choose their own moments and ids")]
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod pooler;
#[cfg(test)]
mod read_only;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod root;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod sign_ins;
#[cfg(test)]
mod slow_heads;
#[cfg(test)]
mod starts;
