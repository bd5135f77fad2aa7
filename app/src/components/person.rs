//! The cell of a row that says who somebody is.

use policy::UserId;

use super::{
    avatar::write_avatar,
    badge::{Tone, write_badge},
};
use crate::markup::Markup;

/// Writes the cell of a person: their avatar, name and address, and a badge if the address is not verified (J2).
pub(crate) fn write_person(out: &mut Markup, user: UserId, is_self: bool, name: &str, address: &str, is_proved: bool) {
    out.raw("<td role=\"cell\" class=\"name-cell\"><div class=\"person\">");
    write_avatar(out, name, &user.to_string());
    out.raw("<span class=\"person-name\"><bdi>");
    out.text(name).raw("</bdi>");
    if is_self {
        out.raw("<span class=\"you\">You</span>");
    }
    out.raw("</span><span class=\"person-email\">").text(address);
    if !is_proved {
        write_badge(out.raw(" "), Tone::Warning, "Address not verified");
    }
    out.raw("</span></div></td>");
}
