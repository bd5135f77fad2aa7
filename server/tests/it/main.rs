//! The whole router against real PostgreSQL: who gets what, what is kept from whom, and what bad input does.
//!
//! One program, so that it is linked once. `architecture` and `imports` need no database.

#![expect(clippy::disallowed_methods, reason = "tests choose their own moments and ids")]
#![recursion_limit = "256"]

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod events;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod security;
#[cfg(test)]
mod submissions;
#[cfg(test)]
mod test_app;
#[cfg(test)]
mod typed;
#[cfg(test)]
mod whose_form;
