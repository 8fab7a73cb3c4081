//! What the recorder does one at a time, so that it finds events as the store has them: wishes of people and programs, and
//! finished pictures of the studio.

use super::Recorder;
use super::scribe::Page;
use crate::event::model::Phase;
use crate::limits::BOOKMARKS_MAX;
use crate::records::Edit;
use crate::records::Refused;
use crate::store::Saved;
use crate::store::StoreError;

impl Recorder {
    /// Takes one wish: alone, so that it finds the events as the store has them.
    pub(super) fn hear_wish(&mut self) {
        let Some(wish) = self.queue.take_wish() else { return };
        match self.grant(wish.edit) {
            Ok(Some((seq, page))) => {
                self.pend(seq, page);
                self.asked = Some(wish.answer);
            }
            // Who asked may have gone; then there is no one to tell.
            Ok(None) => drop(wish.answer.send(Ok(()))),
            Err(refused) => drop(wish.answer.send(Err(refused))),
        }
    }

    /// Takes one finished picture: alone, as a wish. That of an event that is gone goes, too.
    pub(super) fn hear_saved(&mut self) {
        let Some(saved) = self.desk.take_saved() else { return };
        match self.store.reader().event(saved.id) {
            Ok(Some(event)) => {
                let seq = self.seq_next();
                let page = self.scribe.saved(event, saved, seq);
                self.pend(seq, page);
                self.pending
                    .last_mut()
                    .into_iter()
                    .for_each(|pending| pending.entry.saved = Some(saved));
            }
            Ok(None) => self.discard(saved),
            Err(error) => {
                tracing::warn!(%error, event = saved.id, "a picture is lost: its event cannot be read");
                self.discard(saved);
            }
        }
    }

    /// Removes a file of which nothing tells; what cannot be removed now is at the next start.
    fn discard(&self, saved: Saved) {
        if let Err(error) = self.store.files().remove(saved.id, saved.kind) {
            tracing::warn!(%error, event = saved.id, "a picture of no event cannot be removed");
        }
    }

    /// The message that grants `edit`; none when it is so already.
    fn grant(&mut self, edit: Edit) -> Result<Option<(u64, Page)>, Refused> {
        let failed = |error: StoreError| Refused::Store(error.to_string());
        let reader = self.store.reader();
        let event = reader.event(edit.id()).map_err(failed)?.ok_or(Refused::Unknown(edit.id()))?;
        let seq = self.seq_next();
        match edit {
            Edit::Delete(id) if event.phase != Phase::End => Err(Refused::Running(id)),
            Edit::Delete(_) => Ok(Some((seq, self.scribe.deleted(&event, seq)))),
            Edit::Bookmark(_) if event.bookmarked => Ok(None),
            Edit::Bookmark(_) if reader.figures().map_err(failed)?.bookmarks >= BOOKMARKS_MAX => Err(Refused::Full(BOOKMARKS_MAX)),
            Edit::Unbookmark(_) if !event.bookmarked => Ok(None),
            Edit::Bookmark(_) => Ok(Some((seq, self.scribe.bookmark(event, true, seq)))),
            Edit::Unbookmark(_) => Ok(Some((seq, self.scribe.bookmark(event, false, seq)))),
        }
    }
}
