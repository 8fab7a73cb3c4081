//! Who looks at the live picture.

use std::sync::Arc;

use tokio::sync::watch;

use super::Desk;
use super::Picture;

/// A viewer's seat; free again when dropped.
#[derive(Debug)]
pub struct Seat {
    desk: Arc<Desk>,
    number: u64,
    pictures: watch::Receiver<Option<Picture>>,
}

impl Desk {
    /// A seat for one who looks at the live picture, at most so many times a second; none when all are taken.
    pub fn look(self: &Arc<Desk>, fps: u32) -> Option<Seat> {
        let (number, pictures) = self.take_seat(fps)?;
        let desk = Arc::clone(self);
        Some(Seat { desk, number, pictures })
    }
}

impl Seat {
    /// Looks at another rate from now on, in pictures a second.
    pub fn set_rate(&self, fps: u32) {
        self.desk.change_seat(self.number, Some(fps));
    }

    /// The newest picture that was not given yet, waiting for one; `None` when no more come. Dropped half-way it loses nothing.
    pub async fn next(&mut self) -> Option<Picture> {
        loop {
            self.pictures.changed().await.ok()?;
            if self.desk.is_closed() {
                return None;
            }
            let picture = self.pictures.borrow_and_update().clone();
            if picture.is_some() {
                return picture;
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.change_seat(self.number, None);
    }
}
