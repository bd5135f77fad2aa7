//! Enforcement points for real (RULES E): nginx, Traefik, Envoy and sshd as processes of their own, with the very files
//! of `docs/gateways`, before the program `roster` on a real database.
//!
//! What is missing on a machine is installed by `make test`. Where it can't be, `ROSTER_TEST_SKIP` names what is left
//! out (`nginx`, `traefik`, `envoy`, `sshd`); without that the tests fail.

#[cfg(test)]
mod program;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod roster;
#[cfg(test)]
mod ssh;
#[cfg(test)]
mod traffic;
