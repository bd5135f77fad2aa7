//! The rows of a list, written as text by one function for the server and the browser alike.

use leptos::prelude::*;

use super::timestamp::Zone;
use crate::markup::Markup;

/// Rows as HTML, with the id of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    out: Markup,
    /// The id of each row, and where in the text it begins.
    begins: Vec<(u128, usize)>,
    /// In whose time instants are written.
    pub(crate) zone: Zone,
}

impl Rows {
    /// The rows that `write` writes, again whenever what it reads changes, and once more when the page is in the
    /// reader's time zone.
    pub(crate) fn follow(write: Box<dyn Fn(&mut Self) + Send + Sync>) -> Memo<Self> {
        let zone = Zone::follow();
        Memo::new(move |_| {
            let mut rows = Self {
                zone: zone.get(),
                ..Self::default()
            };
            write(&mut rows);
            rows
        })
    }

    /// Begins the row with this id. One element has to be written, the row.
    pub(crate) fn row(&mut self, id: u128) -> &mut Markup {
        self.begins.push((id, self.out.html().len()));
        &mut self.out
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.begins.len()
    }

    /// All of them.
    pub(super) fn html(&self) -> &str {
        self.out.html()
    }

    /// The ids and the texts of the rows, in order.
    #[cfg(any(feature = "hydrate", test))]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u128, &str)> {
        let ends = self.begins.iter().skip(1).map(|(_, begin)| *begin);
        let ends = ends.chain([self.html().len()]);
        let each = self.begins.iter().zip(ends);
        each.map(|(&(id, begin), end)| (id, self.html().get(begin..end).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;

    #[test]
    fn each_row_has_its_text() {
        let mut rows = Rows::default();
        assert_eq!(rows.iter().count(), 0);
        rows.row(7).raw("<tr><td>").text("<é>").raw("</td></tr>");
        rows.row(3).raw("<tr></tr>");
        let each: Vec<_> = rows.iter().collect();
        assert_eq!(each, [(7, "<tr><td>&lt;é&gt;</td></tr>"), (3, "<tr></tr>")]);
        assert_eq!(rows.len(), 2);
    }
}
